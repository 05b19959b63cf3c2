/** A greenlet of a random program: it does one thing after the other to the world. */
import {
  BrokenBarrierError,
  type Coroutine,
  type Greenlet,
  isExit,
  QueueEmpty,
  QueueFull,
  select,
  sleep,
  Timeout,
  taskGroup,
  withTimeout,
} from 'genlet';
import type { Random } from '../support/random.ts';
import { type Guarded, Violation, type World } from './world.ts';

/** An error that a random program throws itself. */
class Mishap extends Error {}

interface Lockable {
  acquire(options: { timeout?: number }): Iterable<any> & { [Symbol.iterator](): Iterator<any, boolean, any> };
  release(): unknown;
}

/** A random program, as far as its greenlets have to know it. */
export interface Program {
  readonly world: World;
  readonly random: Random;
  readonly actors: Greenlet<unknown>[];
  /** Counts the operations. */
  operations: number;
  /** The last item that was made. */
  items: number;
}

/** Performs `count` random operations, and survives what goes wrong by design. */
export function* act(program: Program, count: number): Coroutine<void> {
  for (let left = count; left > 0; left--) {
    program.operations++;
    try {
      yield* limited(program, pick(program.random, actions));
    } catch (error) {
      if (!isByDesign(error)) throw error;
    }
  }
}

const byDesign = [Mishap, Timeout, QueueEmpty, QueueFull, BrokenBarrierError];

/** Whether a random program may come across it. */
export function isByDesign(error: unknown): boolean {
  if (error instanceof AggregateError) return error.errors.every(isByDesign);
  return byDesign.some((known) => error instanceof known);
}

type Action = (program: Program) => Coroutine<void>;

/** With a limit around it, now and then. */
function* limited(program: Program, action: Action): Coroutine<void> {
  const { random } = program;
  if (random(6) > 0) yield* action(program);
  else yield* withTimeout(random(4), () => action(program), { value: undefined });
}

const pick = <T>(random: Random, from: readonly T[]): T => from[random(from.length)]!;

/** Nothing, a turn, or a few milliseconds. */
function* pause({ random }: Program): Coroutine<void> {
  const length = random(6);
  if (length > 2) yield* sleep(length - 3);
}

/** A limit for one wait: none, a poll, or a few milliseconds. */
function limit({ random }: Program): { timeout?: number } {
  const length = random(5);
  return length === 0 ? {} : { timeout: length - 1 };
}

const actions: readonly Action[] = [
  lock,
  lock,
  hold,
  nest,
  waitForNotice,
  notify,
  put,
  put,
  put,
  get,
  get,
  get,
  join,
  send,
  receive,
  raise,
  watch,
  meet,
  choose,
  group,
  kill,
  pause,
];

function* lock(program: Program): Coroutine<void> {
  const guarded = pick(program.random, program.world.locks) as Guarded<Lockable>;
  if (!(yield* guarded.primitive.acquire(limit(program)))) return;
  try {
    guarded.enter();
    yield* pause(program);
  } finally {
    guarded.leave();
    guarded.primitive.release();
  }
}

function* hold(program: Program): Coroutine<void> {
  const guarded = pick(program.random, program.world.locks);
  using _ = yield* guarded.primitive.hold(limit(program).timeout);
  guarded.enter();
  try {
    yield* pause(program);
  } finally {
    guarded.leave();
  }
}

function* nest(program: Program): Coroutine<void> {
  const guarded = program.world.locks[1];
  using _ = yield* guarded.primitive.hold();
  guarded.enter();
  try {
    yield* pause(program);
    using _ = yield* guarded.primitive.hold();
    yield* pause(program);
  } finally {
    guarded.leave();
  }
}

/** The lock is held again afterwards, whatever ended the wait. */
function* waitForNotice(program: Program): Coroutine<void> {
  const guarded = pick(program.random, program.world.conditions);
  using _ = yield* guarded.primitive.hold();
  guarded.enter();
  let inside = true;
  try {
    guarded.leave();
    inside = false;
    try {
      yield* guarded.primitive.wait(limit(program).timeout);
    } finally {
      guarded.enter();
      inside = true;
    }
    yield* pause(program);
  } finally {
    if (inside) guarded.leave();
  }
}

function* notify(program: Program): Coroutine<void> {
  const guarded = pick(program.random, program.world.conditions);
  using _ = yield* guarded.primitive.hold();
  guarded.enter();
  try {
    guarded.primitive.notify(program.random(3));
    yield* pause(program);
    if (program.random(4) === 0) guarded.primitive.notifyAll();
  } finally {
    guarded.leave();
  }
}

function* put(program: Program): Coroutine<void> {
  const counted = pick(program.random, program.world.queues);
  const item = ++program.items;
  yield* counted.queue.put(item, limit(program));
  counted.accepted(item);
}

function* get(program: Program): Coroutine<void> {
  const { random, world } = program;
  const counted = pick(random, world.queues);
  const { queue } = counted;
  const items =
    random(3) === 0 ? yield* queue.getMany(1 + random(3), limit(program)) : [yield* queue.get(limit(program))];
  for (const item of items) counted.taken(item);
  if (counted !== world.joinable) return;
  try {
    yield* pause(program);
  } finally {
    for (const _ of items) world.joinable.queue.taskDone();
  }
}

function* join(program: Program): Coroutine<void> {
  yield* program.world.joinable.queue.join(limit(program).timeout ?? 3);
}

function* send(program: Program): Coroutine<void> {
  const { channel } = program.world;
  const item = ++program.items;
  yield* channel.queue.put(item, limit(program));
  channel.accepted(item);
}

function* receive(program: Program): Coroutine<void> {
  const { channel } = program.world;
  channel.taken(yield* channel.queue.get(limit(program)));
}

function* raise(program: Program): Coroutine<void> {
  const { event } = program.world;
  event.set();
  if (program.random(2) === 0) yield* pause(program);
  event.clear();
}

function* watch(program: Program): Coroutine<void> {
  yield* program.world.event.wait(limit(program).timeout);
}

function* meet(program: Program): Coroutine<void> {
  const { barrier } = program.world;
  if (barrier.broken) barrier.reset();
  yield* barrier.wait(limit(program).timeout);
}

/** Of several waits one happens. */
function* choose(program: Program): Coroutine<void> {
  const { random, world } = program;
  const item = ++program.items;
  const [guarded, source, target] = [world.locks[random(4)]!, pick(random, world.queues), pick(random, world.queues)];
  const { key, value } = yield* select({
    acquire: guarded.primitive.acquire(),
    get: source.queue.get(),
    put: target.queue.put(item),
    receive: world.channel.queue.get(),
    send: world.channel.queue.put(item),
    sleep: sleep(random(3)),
  });
  if (key === 'acquire') guarded.primitive.release();
  else if (key === 'get') {
    source.taken(value);
    if (source === world.joinable) world.joinable.queue.taskDone();
  } else if (key === 'put') target.accepted(item);
  else if (key === 'receive') world.channel.taken(value);
  else if (key === 'send') world.channel.accepted(item);
}

/** Its greenlets end before it does, and some of them fail. */
function* group(program: Program): Coroutine<void> {
  const { random } = program;
  const tasks: Greenlet<void>[] = [];
  try {
    yield* taskGroup(function* (group) {
      for (let left = random(3); left >= 0; left--) {
        tasks.push(
          group.spawn(function* () {
            yield* act(program, 1 + random(2));
            if (random(4) === 0) throw new Mishap('a task fails');
          }),
        );
      }
      yield* pause(program);
    });
  } finally {
    checkAllDead(tasks);
  }
}

function checkAllDead(tasks: Greenlet<void>[]): void {
  if (tasks.some((task) => !task.dead)) throw new Violation('a task outlived its group');
}

function* kill(program: Program): Coroutine<void> {
  const { random, actors } = program;
  const victim = pick(random, actors);
  if (random(3) === 0) {
    try {
      yield* victim.kill(new Mishap('a kill with an error'), { timeout: random(3) });
    } catch (error) {
      if (isExit(error) || !(error instanceof Mishap)) throw error;
    }
  } else victim.kill();
}

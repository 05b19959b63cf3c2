/**
 * Random programs of nested task groups, killed at every one of their suspension points, and at random. Whatever happens:
 * no task outlives its group, each `finally` block has its time, and each error is seen once.
 * `GROUP_SEED=123 npx vitest run test/sync/task-group-everywhere.test.ts` replays one program.
 */
import {
  type Coroutine,
  coroutine,
  type Greenlet,
  getcurrent,
  type Handle,
  InvalidStateError,
  isExit,
  run,
  Semaphore,
  select,
  shield,
  sleep,
  spawn,
  type TaskGroup,
  Timeout,
  taskGroup,
  until,
  withTimeout,
} from 'genlet';
import { VirtualClock } from 'genlet/testing';
import { afterEach, expect, it } from 'vitest';
import { hub, nextTurn, watchHub } from '../support/hub.ts';
import { type Random, random } from '../support/random.ts';

watchHub();

const RUNS = 6_000;
const { random: usual } = hub;
const { stackTraceLimit } = Error;

afterEach(() => {
  hub.random = usual;
  Error.stackTraceLimit = stackTraceLimit;
});

/** An error that a program throws itself. */
class Failure extends Error {}

const NONE = Symbol('nothing');

/** All failures in what was thrown. */
function* failuresIn(error: unknown): Generator<unknown> {
  if (error instanceof AggregateError) for (const one of error.errors) yield* failuresIn(one);
  else yield error;
}

/** What a run of a program must keep a record of. */
class Journal {
  /** Suspensions so far, of the whole program. */
  points = 0;
  /** Called at each suspension point, with its number. */
  onPoint: (point: number) => void = () => {};
  openFrames = 0;
  readonly wrong: string[] = [];
  /** Everybody who can be killed. */
  readonly actors: Greenlet<any>[] = [];
  readonly outsiders: Greenlet<any>[] = [];
  /** Those that were killed by somebody else than their group. */
  readonly struck = new Set<unknown>();
  /** How often each failure was seen. */
  readonly #seen = new Map<unknown, number>();
  /** Those that `finally` blocks have thrown away, as they do in JavaScript. */
  readonly #replaced = new Set<unknown>();

  point(): void {
    this.onPoint(++this.points);
  }

  fail(): never {
    const failure = new Failure(`failure ${this.#seen.size + 1}`);
    this.#seen.set(failure, 0);
    throw failure;
  }

  /** Somebody has taken the error. */
  took(error: unknown, where: string): void {
    for (const one of failuresIn(error)) {
      if (one instanceof Failure) this.#seen.set(one, this.#seen.get(one)! + 1);
      else this.wrong.push(`${where}: ${one}`);
    }
  }

  /** Another error has taken its place. */
  replaced(error: unknown): void {
    for (const one of failuresIn(error)) this.#replaced.add(one);
  }

  checkFailures(): void {
    for (const [failure, times] of this.#seen) {
      if (times > 1) this.wrong.push(`${failure} was seen ${times} times`);
      if (times === 0 && !this.#replaced.has(failure)) this.wrong.push(`${failure} was lost`);
    }
  }

  kill(greenlet: Greenlet<any>): void {
    this.struck.add(greenlet);
    greenlet.kill();
  }
}

/** A group, with all that was ever spawned into it. */
class Watched {
  readonly group: TaskGroup;
  readonly tasks: Greenlet<any>[] = [];
  over = false;

  constructor(group: TaskGroup) {
    this.group = group;
  }
}

/** Where a statement is performed. */
interface Place {
  readonly journal: Journal;
  /** The groups around it, also those of other greenlets. */
  readonly groups: readonly Watched[];
  /** Whether it is in a body of the greenlet's own groups, or under a time limit: an interruption is no second kill there. */
  readonly exposed: boolean;
}

type Body = (place: Place) => Coroutine<unknown>;
type Kind = (next: Random, depth: number) => Body;

/** A body of random statements; `depth` bounds the nesting. */
function statements(next: Random, depth: number): Body {
  const list = Array.from({ length: 1 + next(3) }, () => {
    const kinds = depth > 0 && next(4) > 0 ? nested : leaves;
    return kinds[next(kinds.length)]!(next, depth - 1);
  });
  return function* (place) {
    for (const one of list) yield* one(place);
  };
}

const suspending = (operation: () => Iterable<any>): Body =>
  function* ({ journal }) {
    journal.point();
    yield* operation() as Coroutine<unknown>;
  };

const leaves: Kind[] = [
  (next) => {
    const ms = next(4);
    return suspending(() => sleep(ms));
  },
  (next) => {
    const ms = 5 + next(20);
    return suspending(() => sleep(ms));
  },
  () => suspending(() => until(Promise.resolve())),
  (next) => {
    const ms = next(5);
    return suspending(() => select({ nap: sleep(ms), never: new Semaphore(0).acquire({ timeout: 3 }) }));
  },
  // a wait that does not suspend
  () => suspending(() => new Semaphore(1).acquire()),
  (next) => {
    const fails = next(3) > 0;
    return function* ({ journal }) {
      if (fails) journal.fail();
    };
  },
];

const nested: Kind[] = [
  group,
  group,
  group,
  spawnIntoGroup,
  spawnIntoGroup,
  spawnIntoGroup,
  (next, depth) => framed(statements(next, depth), statements(next, 0)),
  (next, depth) => framed(statements(next, depth), statements(next, 0), coroutine),
  outsider,
  catching,
  (next, depth) => {
    const [body, ms] = [statements(next, depth), next(15)];
    return function* (place) {
      yield* withTimeout(ms, () => body({ ...place, exposed: true }), { value: 'too late' });
    };
  },
  shielded,
];

/** A group around a body. */
function group(next: Random, depth: number): Body {
  const body = statements(next, depth);
  const [first, now] = [statements(next, depth), next(2) === 0];
  return function* (place) {
    let watched: Watched | undefined;
    let completed = false;
    try {
      const value = yield* taskGroup(function* (group) {
        watched = new Watched(group);
        const inside = { ...place, groups: [...place.groups, watched], exposed: true };
        start(inside, watched, first, now);
        yield* body(inside);
        completed = true;
        return watched;
      });
      if (!completed || value !== watched)
        place.journal.wrong.push('a group gave a value although its body had not ended');
    } finally {
      if (watched !== undefined) endOf(watched, place.journal);
    }
  };
}

/** Nobody may be left. */
function endOf(watched: Watched, { wrong }: Journal): void {
  watched.over = true;
  const left = watched.tasks.filter(({ dead }) => !dead);
  if (left.length > 0) wrong.push(`${left.length} tasks have outlived their group`);
  if (watched.group.size > 0) wrong.push(`a group ended with ${watched.group.size} tasks`);
}

/** Spawns a task, if its group has not ended. */
function start(place: Place, watched: Watched, body: Body, now: boolean): Greenlet<unknown> | undefined {
  const { journal, groups } = place;
  const inside = { journal, groups: groups.slice(0, groups.indexOf(watched) + 1), exposed: false };
  try {
    const task = watched.group[now ? 'spawnNow' : 'spawn'](body, inside);
    watched.tasks.push(task);
    journal.actors.push(task);
    return task;
  } catch (error) {
    if (!(error instanceof InvalidStateError) || !watched.over) journal.wrong.push(`could not spawn: ${error}`);
    return undefined;
  }
}

/** A task in one of the groups around; now and then it is waited for, or killed. */
function spawnIntoGroup(next: Random, depth: number): Body {
  const [body, now, which, then] = [statements(next, depth), next(2) === 0, next(8), next(5)];
  return function* (place) {
    const { groups, journal } = place;
    const watched = groups[which % Math.max(1, groups.length)];
    if (watched === undefined) return;
    const task = start(place, watched, framed(body, statements(random(which), 0)), now);
    if (task === undefined || then > 1) return;
    journal.point();
    if (then === 1) yield* task.join(5);
    else {
      journal.struck.add(task);
      yield* task.kill();
    }
  };
}

/** Somebody who belongs to no group spawns into one of those around, which may have ended by then. */
function outsider(next: Random, depth: number): Body {
  const [body, which, ms] = [statements(next, depth), next(8), next(25)];
  return function* (place) {
    const { groups, journal } = place;
    const watched = groups[which % Math.max(1, groups.length)];
    if (watched === undefined) return;
    const greenlet = spawn(function* () {
      yield* sleep(ms);
      start(place, watched, body, false);
    });
    journal.outsiders.push(greenlet);
    journal.actors.push(greenlet);
  };
}

/** Takes failures, and lets kills and timeouts pass. */
function catching(next: Random, depth: number): Body {
  const [body, handler] = [statements(next, depth), statements(next, 0)];
  return function* (place) {
    try {
      yield* body(place);
    } catch (error) {
      if (isExit(error) || error instanceof Timeout) throw error;
      place.journal.took(error, 'caught');
      yield* handler(place);
    }
  };
}

function shielded(next: Random, depth: number): Body {
  const body = statements(next, depth);
  return function* (place) {
    let inner: unknown = NONE;
    try {
      yield* shield(function* () {
        try {
          yield* body(place);
        } catch (error) {
          inner = error;
          throw error;
        }
      });
    } catch (error) {
      if (inner !== NONE && error !== inner) place.journal.replaced(inner);
      throw error;
    }
  };
}

/** A frame with a `finally` that suspends; its caller must not go on unless it ended by itself. */
function framed(body: Body, cleanup: Body, mark: (fn: typeof unwound) => typeof unwound = (fn) => fn): Body {
  const inner = mark(function* (place, frame) {
    const { journal } = place;
    let inFlight: unknown = NONE;
    journal.openFrames++;
    try {
      yield* body(place);
      frame.completed = true;
    } catch (error) {
      inFlight = error;
      throw error;
    } finally {
      try {
        yield* cleanup(place);
      } catch (error) {
        journal.replaced(inFlight);
        const twice = isExit(error) && isExit(inFlight) && !place.exposed && !journal.struck.has(getcurrent());
        if (twice) journal.wrong.push('a second kill cut a finally block short');
        frame.completed = false;
        // biome-ignore lint/correctness/noUnsafeFinally: it goes on
        throw error;
      } finally {
        journal.openFrames--;
      }
    }
  });
  return function* (place) {
    const frame = { completed: false };
    yield* inner(place, frame);
    if (!frame.completed) place.journal.wrong.push('went on after a call that was unwound');
  };
}

declare function unwound(place: Place, frame: { completed: boolean }): Coroutine<void>;

interface Result {
  points: number;
  wrong: string[];
}

/** Kills something when the program has come to a certain suspension point; may need a callback of the hub for that. */
type Strike = (journal: Journal, point: number, killAt: number, program: Greenlet<any>) => Handle | undefined;

const soon = (journal: Journal, greenlet: Greenlet<any>): Handle => hub.callSoon(() => journal.kill(greenlet));

/** When the kill comes, and whom it hits. */
const strikes: Record<string, Strike> = {
  'the program, before': (journal, point, killAt, program) => {
    if (point === killAt) journal.kill(program);
    return undefined;
  },
  'the program, after': (journal, point, killAt, program) => (point === killAt ? soon(journal, program) : undefined),
  'the program, later': (journal, point, killAt, program) =>
    point === killAt ? hub.callLater(1, () => journal.kill(program)) : undefined,
  'the program, repeatedly': (journal, point, killAt, program) =>
    point >= killAt ? soon(journal, program) : undefined,
  'the current greenlet, before': (journal, point, killAt) => {
    if (point === killAt) journal.kill(getcurrent() as Greenlet<any>);
    return undefined;
  },
  'the current greenlet, after': (journal, point, killAt) =>
    point === killAt ? soon(journal, getcurrent() as Greenlet<any>) : undefined,
  'everybody, one after the other': (journal, point, killAt) => {
    const victim = journal.actors[(point * 7 + killAt) % journal.actors.length]!;
    return point >= killAt && point % 3 === 0 ? soon(journal, victim) : undefined;
  },
};

/** Runs the program of a seed, with a strike at the given suspension point. */
async function runProgram(seed: number, strike: Strike, killAt: number): Promise<Result> {
  const journal = new Journal();
  const { wrong } = journal;
  const body = framed(group(random(seed), 4), statements(random(~seed), 0));
  const choose = random(seed);
  hub.random = () => choose(2 ** 30) / 2 ** 30;
  hub.onError = (error) => journal.took(error, 'reported');
  await run(
    function* () {
      const program = spawn(body, { journal, groups: [], exposed: false });
      journal.actors.push(program);
      const calls: (Handle | undefined)[] = [];
      journal.onPoint = (point) => calls.push(strike(journal, point, killAt, program));
      try {
        yield* program;
      } catch (error) {
        journal.took(error, 'program');
      }
      journal.onPoint = () => {};
      for (const call of calls) call?.cancel();
      const left = journal.actors.filter((one) => !one.dead && !journal.outsiders.includes(one));
      if (left.length > 0) wrong.push(`${left.length} tasks are alive after the end`);
      for (const one of journal.outsiders) yield* one.kill();
      if (journal.openFrames !== 0) wrong.push(`${journal.openFrames} finally blocks did not complete`);
      const { alive, timers } = hub.stats();
      if (alive !== 1 || timers !== 0) wrong.push(`left: ${alive - 1} alive, ${timers} timers`);
    },
    { clock: new VirtualClock() },
  );
  await new Promise<void>((resolve) => void setImmediate(resolve)); // reports come at the end of a pass
  journal.checkFailures();
  return { points: journal.points, wrong };
}

/** Gives the number of runs that it took. */
async function killEverywhere(seed: number): Promise<number> {
  const { points, wrong } = await runProgram(seed, () => undefined, 0);
  expect(wrong, `GROUP_SEED=${seed}, nobody killed`).toEqual([]);
  // in long programs not at every point, but at others for each seed
  const stride = 1 + Math.floor(points / 12);
  let runs = 1;
  for (let point = 1 + (seed % stride); point <= points; point += stride) {
    for (const [what, strike] of Object.entries(strikes)) {
      const result = await runProgram(seed, strike, point);
      runs++;
      expect(result.wrong, `GROUP_SEED=${seed}, killing ${what} at point ${point} of ${points}`).toEqual([]);
    }
  }
  return runs;
}

it('keeps the tasks in their groups, whoever is killed when', { timeout: 120_000 }, async () => {
  Error.stackTraceLimit = 0; // the programs throw a lot, and stacks are dear
  const { GROUP_SEED } = process.env;
  if (GROUP_SEED !== undefined) {
    await killEverywhere(Number(GROUP_SEED));
    return;
  }
  let runs = 0;
  for (let seed = 1; runs < RUNS; seed++) runs += await killEverywhere(seed);
  await nextTurn();
});

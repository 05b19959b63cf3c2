/**
 * One of everything that can be a case of a `select`, made so that it blocks, with a way to let it happen and a look at
 * what it leaves behind.
 */
import {
  AsyncResult,
  BoundedSemaphore,
  Channel,
  Event,
  Future,
  Greenlet,
  LifoQueue,
  Lock,
  type Operation,
  PriorityQueue,
  Queue,
  RLock,
  Semaphore,
  SimpleQueue,
  sleep,
  spawn,
  suspend,
} from 'genlet';
import { hub } from '../support/hub.ts';

export interface Selectable {
  /** Blocks until `happen` is called. */
  readonly operation: Operation<any>;
  /** Lets it happen, at once and without a switch; where nobody waits, nothing else is changed. */
  happen(): void;
  /** Makes the operation one that need not block. */
  prepare(): Generator<any, void, any>;
  /** Whether `value` is what it gives. */
  gave(value: any): boolean;
  /** Whether nobody has taken what `happen` or `prepare` made available. */
  spared(): boolean;
  /** How many stand in line. */
  waiting(): number;
  /** Ends what is left over. */
  dispose(): void;
}

type Parts = Pick<Selectable, 'operation' | 'happen'> & Partial<Selectable>;

/** With what is true of most. */
function selectable(parts: Parts): Selectable {
  return {
    *prepare() {
      parts.happen();
    },
    gave: (value) => value === true,
    spared: () => true,
    waiting: () => 0,
    dispose: () => {},
    ...parts,
  };
}

/** Calls `attempt`, which may fail because nobody waits. */
function ignoringErrors(attempt: () => unknown): void {
  try {
    attempt();
  } catch {}
}

/** Calls `action` in the name of nobody: only the holder of an `RLock` may release it. */
function asOrdinaryCode(action: () => void): void {
  const { current } = hub;
  hub.current = undefined;
  action();
  hub.current = current;
}

const limits = [{}, { timeout: 5000 }] as const;

/** The kinds whose only difference is whether they have a time limit. */
function kinds({ timeout }: { timeout?: number }): Record<string, () => Selectable> {
  const limit = timeout === undefined ? {} : { timeout };
  return {
    'SimpleQueue.get': () => getter(new SimpleQueue<string>(), (queue) => queue.get(limit)),
    'Queue.get': () => getter(new Queue<string>(), (queue) => queue.get(limit)),
    'LifoQueue.get': () => getter(new LifoQueue<string>(), (queue) => queue.get(limit)),
    'PriorityQueue.get': () => getter(new PriorityQueue<string>(), (queue) => queue.get(limit)),
    'Queue.getMany': () => ({
      ...getter(new Queue<string>(), (queue) => queue.getMany(2, limit)),
      gave: (value) => Array.isArray(value) && value.join() === 'item',
    }),
    'Queue.peek': () => {
      const queue = new Queue<string>();
      return selectable({
        operation: queue.peek(limit),
        happen: () => queue.putNowait('item'),
        gave: (value) => value === 'item' && queue.qsize() === 1,
        waiting: () => queue.statistics().peekers,
      });
    },
    'Queue.put': () => {
      const queue = new Queue<string>(1, ['old']);
      return selectable({
        operation: queue.put('item', limit),
        happen: () => void queue.getNowait(),
        gave: (value) => value === undefined && queue.qsize() === 1,
        spared: () => queue.qsize() === 0,
        waiting: () => queue.statistics().putters,
      });
    },
    'Queue.join': () => {
      const queue = new Queue<string>(null, ['item']);
      return selectable({
        operation: queue.join(timeout),
        happen: () => queue.taskDone(),
        waiting: () => queue.statistics().joiners,
      });
    },
    'Channel.get': () => {
      const channel = new Channel<string>();
      let partner: Greenlet<void> | undefined;
      return selectable({
        operation: channel.get(limit),
        happen: () => ignoringErrors(() => channel.putNowait('item')),
        *prepare() {
          partner = spawn(() => channel.put('item'));
          yield* sleep(0);
        },
        gave: (value) => value === 'item',
        spared: () => partner === undefined || channel.balance === 1,
        waiting: () => channel.statistics().getters,
        dispose: () => partner?.kill(),
      });
    },
    'Channel.put': () => {
      const channel = new Channel<string>();
      const taken: string[] = [];
      let partner: Greenlet<void> | undefined;
      return selectable({
        operation: channel.put('item', limit),
        happen: () => ignoringErrors(() => taken.push(channel.getNowait())),
        *prepare() {
          partner = spawn(function* () {
            taken.push(yield* channel.get());
          });
          yield* sleep(0);
        },
        gave: (value) => value === undefined,
        spared: () => taken.length === 0,
        waiting: () => channel.statistics().putters,
        dispose: () => partner?.kill(),
      });
    },
    'Lock.acquire': () => permit(new Lock(), (lock) => lock.acquire(limit)),
    'Lock.hold': () => held(new Lock(), (lock) => lock.hold(timeout)),
    'RLock.acquire': () => {
      const lock = new RLock();
      asOrdinaryCode(() => lock.acquireNowait());
      return selectable({
        operation: lock.acquire(limit),
        happen: () => asOrdinaryCode(() => lock.release()),
        spared: () => !lock.locked(),
        waiting: () => lock.statistics().waiting,
      });
    },
    'Semaphore.acquire': () => permit(new Semaphore(1), (semaphore) => semaphore.acquire(limit)),
    'BoundedSemaphore.hold': () => held(new BoundedSemaphore(1), (semaphore) => semaphore.hold(timeout)),
    'Semaphore.wait': () => {
      const semaphore = new Semaphore(0);
      return selectable({
        operation: semaphore.wait(timeout),
        happen: () => void semaphore.release(),
        gave: (value) => value === 1 && semaphore.counter === 1,
      });
    },
    'Event.wait': () => {
      const event = new Event();
      return selectable({
        operation: event.wait(timeout),
        happen: () => event.set(),
        waiting: () => event.statistics().waiting,
      });
    },
    'AsyncResult.get': () => result(new AsyncResult<string>(), (one) => one.get(limit)),
    'AsyncResult.wait': () => result(new AsyncResult<string>(), (one) => one.wait(timeout)),
    'Future.result': () => result(new Future<string>(), (one) => one.result(timeout)),
    'Greenlet.get': () => ended((greenlet) => greenlet.get(limit)),
    'Greenlet.join': () => ({ ...ended((greenlet) => greenlet.join(timeout)), gave: (value) => value === undefined }),
  };
}

function getter(queue: SimpleQueue<string>, get: (queue: SimpleQueue<string>) => Operation<any>): Selectable {
  return selectable({
    operation: get(queue),
    happen: () => queue.putNowait('item'),
    gave: (value) => value === 'item',
    spared: () => queue.qsize() === 1,
    waiting: () => queue.statistics().getters,
  });
}

type Permits = Lock | Semaphore;

function permit<P extends Permits>(permits: P, call: (permits: P) => Operation<any>): Selectable {
  permits.acquireNowait();
  return selectable({
    operation: call(permits),
    happen: () => void permits.release(),
    spared: () => !permits.locked(),
    waiting: () => permits.statistics().waiting,
  });
}

function held<P extends Permits>(permits: P, call: (permits: P) => Operation<any>): Selectable {
  return {
    ...permit(permits, call),
    gave: (value: Disposable) => {
      const wasLocked = permits.locked();
      value[Symbol.dispose]();
      return wasLocked && !permits.locked();
    },
  };
}

function result<R extends AsyncResult<string>>(one: R, call: (one: R) => Operation<any>): Selectable {
  return selectable({
    operation: call(one),
    happen: () => one.set('value'),
    gave: (value) => value === 'value',
    waiting: () => one.statistics().waiting,
  });
}

/** A greenlet that ends as soon as it is killed: it never begins. */
function ended(call: (greenlet: Greenlet<any>) => Operation<any>): Selectable {
  const greenlet = new Greenlet<any>(() => {});
  return selectable({
    operation: call(greenlet),
    happen: () => void greenlet.kill(),
    gave: (value) => value === greenlet.value,
  });
}

/** One of each kind, by its name. */
export const selectables: readonly (readonly [name: string, make: () => Selectable])[] = [
  ...limits.flatMap((limit) =>
    Object.entries(kinds(limit)).map(
      ([name, make]) => [`${name}(${'timeout' in limit ? 'limit' : ''})`, make] as const,
    ),
  ),
  ['a greenlet', () => ended((greenlet) => greenlet)] as const,
  ['an AsyncResult', () => result(new AsyncResult<string>(), (one) => one)] as const,
  ['a Future', () => result(new Future<string>(), (one) => one)] as const,
];

/** A suspension that ends when it is told to; it can't be tried, only performed. */
export function suspension(): Selectable & { state(): string } {
  let resume: ((value: string) => boolean) | undefined;
  let state = 'unused';
  return {
    ...selectable({
      operation: suspend<string>((resumer) => {
        resume = resumer;
        state = 'waiting';
        return () => {
          state = 'cancelled';
        };
      }),
      happen: () => {
        if (resume?.('value')) state = 'resumed';
      },
      gave: (value) => value === 'value',
      waiting: () => (state === 'waiting' ? 1 : 0),
    }),
    state: () => state,
  };
}

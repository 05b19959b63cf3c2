/** What the greenlets of a random program share, with a ledger of who has what: it must always balance. */
import {
  Barrier,
  BoundedSemaphore,
  Channel,
  Condition,
  Event,
  LifoQueue,
  Lock,
  PriorityQueue,
  Queue,
  RLock,
  Semaphore,
  SimpleQueue,
} from 'genlet';

/** A violated invariant. */
export class Violation extends Error {}

function check(holds: boolean, what: string): void {
  if (!holds) throw new Violation(what);
}

/** Something of which at most `places` greenlets may have a part at a time. */
export class Guarded<P> {
  readonly primitive: P;
  readonly #places: number;
  readonly #name: string;
  #inside = 0;

  constructor(name: string, primitive: P, places: number) {
    this.#name = name;
    this.primitive = primitive;
    this.#places = places;
  }

  enter(): void {
    this.#inside++;
    check(this.#inside <= this.#places, `${this.#inside} greenlets are inside of ${this.#name}`);
  }

  leave(): void {
    this.#inside--;
  }

  checkEmpty(): void {
    check(this.#inside === 0, `${this.#inside} greenlets are still inside of ${this.#name}`);
  }
}

interface Store {
  qsize(): number;
  getNowait(): number;
  statistics(): object;
}

/** A queue whose items are counted in and out. */
export class Counted<Q extends Store> {
  readonly queue: Q;
  readonly #name: string;
  readonly #accepted = new Set<number>();
  readonly #taken = new Set<number>();

  constructor(name: string, queue: Q) {
    this.#name = name;
    this.queue = queue;
  }

  /** A `put` has returned. */
  accepted(item: number): void {
    this.#accepted.add(item);
  }

  /** A `get` has given an item. */
  taken(item: number): void {
    check(!this.#taken.has(item), `${this.#name} gave item ${item} twice`);
    this.#taken.add(item);
  }

  /** In the end: what went in is what came out and what is left. */
  checkBalance(): void {
    while (this.queue.qsize() > 0) this.taken(this.queue.getNowait());
    for (const item of this.#accepted) check(this.#taken.has(item), `${this.#name} lost item ${item}`);
    for (const item of this.#taken)
      check(this.#accepted.has(item), `${this.#name} gave item ${item}, whose put failed`);
  }
}

/** Everything in it. */
export class World {
  readonly locks = [
    new Guarded('a Lock', new Lock(), 1),
    new Guarded('an RLock', new RLock(), 1),
    new Guarded('a Semaphore', new Semaphore(2), 2),
    new Guarded('a BoundedSemaphore', new BoundedSemaphore(3), 3),
  ] as const;
  readonly conditions = [
    new Guarded('a Condition', new Condition(), 1),
    new Guarded('a Condition with a Lock', new Condition(new Lock()), 1),
  ] as const;
  readonly joinable = new Counted('a Queue', new Queue<number>(2));
  readonly queues = [
    this.joinable,
    new Counted('a SimpleQueue', new SimpleQueue<number>()),
    new Counted('a LifoQueue', new LifoQueue<number>(1)),
    new Counted('a PriorityQueue', new PriorityQueue<number>(3)),
  ] as const;
  readonly channel = new Counted('a Channel', new ChannelStore());
  readonly event: Event = new Event();
  readonly barrier: Barrier = new Barrier(3);

  /** Checks that nobody waits for what is there: a wake-up was lost. */
  checkNobodyIsStuck(): void {
    for (const { primitive } of this.locks) {
      check(
        primitive.locked() || primitive.statistics().waiting === 0,
        `a free ${primitive.constructor.name} is waited for`,
      );
    }
    for (const { queue } of this.queues) {
      const { getters, putters } = queue.statistics();
      check(getters === 0 || queue.empty(), `items lie in a ${queue.constructor.name} that is waited for`);
      check(putters === 0 || queue.full(), `there is room in a ${queue.constructor.name} that is waited for`);
    }
    const { joiners, unfinishedTasks } = this.joinable.queue.statistics();
    check(joiners === 0 || unfinishedTasks > 0, 'a Queue without unfinished tasks is waited for');
  }

  /** Checks what must hold when all greenlets have ended. */
  checkAtRest(): void {
    for (const guarded of [...this.locks, ...this.conditions]) guarded.checkEmpty();
    const [lock, rlock, semaphore, bounded] = this.locks;
    check(!lock.primitive.locked() && !rlock.primitive.locked(), 'a lock is held by nobody alive');
    check(!this.conditions.some(({ primitive }) => primitive.locked()), "a condition's lock is held by nobody alive");
    check(semaphore.primitive.counter === 2 && bounded.primitive.counter === 3, 'permits were lost or made');
    this.#checkNobodyWaits();
    check(this.joinable.queue.unfinishedTasks === this.joinable.queue.qsize(), 'unfinished tasks were miscounted');
    for (const queue of [...this.queues, this.channel]) queue.checkBalance();
  }

  #checkNobodyWaits(): void {
    const primitives = [...this.locks, ...this.conditions].map(({ primitive }) => primitive);
    const queues = [...this.queues, this.channel].map(({ queue }) => queue);
    for (const owner of [...primitives, ...queues, this.event, this.barrier]) {
      const counters = owner.statistics() as object as Record<string, number>;
      for (const name of ['waiting', 'getters', 'putters', 'peekers', 'joiners']) {
        check((counters[name] ?? 0) === 0, `${counters[name]} ${name} are left in a ${owner.constructor.name}`);
      }
    }
  }
}

/** A channel holds nothing. */
class ChannelStore extends Channel<number> {}

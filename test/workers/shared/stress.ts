/** Random traffic from several threads over every kind of shared object, with kills, timeouts and sudden deaths. */
import { joinall, run, sleep, spawn, until } from 'genlet';
import { shared } from 'genlet/workers';
import { Cell, randomFrom, type Site, traffic } from '../fixtures/shared-thread.ts';
import { Thread } from './thread.ts';

export interface Round {
  /** How many there are at any time, with this one. */
  threads: number;
  /** How many of them are terminated at random, and replaced. */
  deaths: number;
  turns: number;
  seed: number;
}

const ITEMS = 1000;

function makeSite(threads: number): Site {
  return {
    cells: new shared.Array('i32', 16),
    lock: new shared.Lock(),
    seats: new shared.Semaphore(2),
    open: new shared.Event(),
    changed: new shared.Condition(),
    gate: new shared.Barrier(2),
    queue: new shared.Queue<number>(8, { bytes: 256 }),
    put: new shared.Array('u8', threads * ITEMS),
    got: new shared.Array('u8', threads * ITEMS),
  };
}

/** Raises and lowers the flag until the traffic stops. */
function* flicker({ cells, open }: Site) {
  while (cells.get(Cell.STOP) === 0) {
    open.set();
    yield* sleep(1);
    open.clear();
    yield* sleep(2);
  }
  open.set();
}

/** Lets the queue run empty, and then go whoever waits without a limit. */
function* stop({ cells, changed, queue }: Site) {
  while (!queue.empty()) yield* sleep(5);
  yield* sleep(20);
  Atomics.store(cells.array, Cell.STOP, 1);
  using _ = yield* changed.hold();
  changed.notifyAll();
}

/** Has one round of traffic, and gives the promises that were broken. */
export async function stress({ threads, deaths, turns, seed }: Round): Promise<string[]> {
  const random = randomFrom(seed + 1);
  const site = makeSite(threads + deaths);
  const living = new Map<Thread, Promise<unknown>>();
  const results: Promise<unknown>[] = [];
  let started = 0;
  const options = () => {
    const index = started++;
    return { seed: seed + index, turns, firstItem: index * ITEMS, items: ITEMS / 5, deadly: deaths > 0 };
  };
  const start = async () => {
    const mine = options();
    const thread = await Thread.start();
    living.set(thread, thread.done());
    results.push(thread.call('traffic', site, mine));
  };
  try {
    await Promise.all(Array.from({ length: threads - 1 }, start));
    await run(function* () {
      spawn(flicker, site);
      const mine = spawn(traffic, site, options());
      for (let i = 0; i < deaths; i++) {
        const victim = [...living.keys()][Math.floor(random() * living.size)]!;
        living.delete(victim);
        yield* sleep(random() * 60);
        yield* until(Promise.all([victim.end(), start()]));
      }
      yield* until(Promise.all(living.values()));
      yield* stop(site);
      yield* until(Promise.all(results));
      yield* joinall([mine], { raiseError: true });
    });
  } finally {
    await Promise.all([...living.keys()].map((thread) => thread.end()));
  }
  return [...brokenPromises(site, deaths)];
}

function* brokenPromises({ cells, lock, changed, seats, queue, put, got }: Site, deaths: number) {
  while (!queue.empty()) Atomics.add(got.array, queue.getNowait(), 1);
  const count = Object.fromEntries(Object.entries(Cell).map(([name, at]) => [name, cells.get(at)])) as Record<
    keyof typeof Cell,
    number
  >;
  if (count.VIOLATIONS > 0) yield `${count.VIOLATIONS} times, somebody was not alone, or got an item twice`;
  if (count.INSIDE !== 0 || lock.locked() || changed.locked()) yield 'a lock is still held';
  // What a dead thread had in hand may be lost: one step of each of its greenlets.
  const lost = Math.abs(count.COUNT - count.INCREMENTS);
  if (lost > deaths) yield `${lost} of ${count.INCREMENTS} increments under the lock are lost`;
  const differing = [...put].filter((times, item) => times !== got.get(item)).length;
  if (differing > 6 * deaths) yield `${differing} items were put and not got, or got and not put`;
  if (deaths === 0) {
    if (count.SEATED !== 0 || seats.counter !== 2) yield `${count.SEATED} seats are taken, and ${seats.counter} free`;
    if (count.STOCK !== count.PRODUCED - count.CONSUMED) yield `the stock is ${count.STOCK}: ${JSON.stringify(count)}`;
  }
  for (const name of ['COUNT', 'CONSUMED', 'PASSED', 'WOKEN'] as const) {
    if (count[name] === 0) yield `there was no traffic: ${name} is 0`;
  }
}

/** Random traffic from several threads over every kind of shared object, with kills, timeouts and sudden deaths. */
import { joinall, run, sleep, spawn, until } from 'genlet';
import { shared } from 'genlet/workers';
import { expect, it } from 'vitest';
import { watchHub } from '../../support/hub.ts';
import { Cell, type Site, traffic } from '../fixtures/shared-thread.ts';
import { endThreadsAfterwards, startThreads, type Thread } from './threads.ts';

watchHub();
endThreadsAfterwards();

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

const read = ({ cells }: Site) => Object.fromEntries(Object.entries(Cell).map(([name, at]) => [name, cells.get(at)]));

it('keeps its promises under random traffic, kills and timeouts from four threads', { timeout: 60_000 }, async () => {
  const threads = await startThreads(3);
  const site = makeSite(4);
  const options = (index: number) => ({ seed: index, turns: 80, firstItem: index * ITEMS, items: ITEMS / 5 });
  const results = threads.map((thread, index) => thread.call('traffic', site, options(index)));
  const done = threads.map((thread) => thread.done());
  await run(function* () {
    spawn(flicker, site);
    const mine = spawn(traffic, site, options(3));
    yield* until(Promise.all(done));
    yield* stop(site);
    yield* until(Promise.all(results));
    yield* joinall([mine], { raiseError: true });
  });
  while (!site.queue.empty()) Atomics.add(site.got.array, site.queue.getNowait(), 1);
  const cells = read(site);
  expect(cells).toMatchObject({ VIOLATIONS: 0, INSIDE: 0, SEATED: 0, COUNT: cells.INCREMENTS });
  expect(cells.STOCK).toBe(cells.PRODUCED! - cells.CONSUMED!);
  expect(cells.COUNT).toBeGreaterThan(200);
  expect([...site.got]).toEqual([...site.put]);
  expect([site.lock.locked(), site.changed.locked(), site.seats.counter]).toEqual([false, false, 2]);
});

it('keeps them while threads die at random: nobody else waits for ever', { timeout: 60_000 }, async () => {
  const DEATHS = 4;
  const site = makeSite(DEATHS + 3);
  let started = 0;
  const options = () => {
    const index = started++;
    return { seed: index + 50, turns: 40, firstItem: index * ITEMS, items: ITEMS / 5, deadly: true };
  };
  const living = new Map<Thread, Promise<unknown>>();
  const results: Promise<unknown>[] = [];
  const start = async () => {
    const [thread] = await startThreads(1);
    living.set(thread!, thread!.done());
    results.push(thread!.call('traffic', site, options()));
  };
  await Promise.all([start(), start()]);
  await run(function* () {
    spawn(flicker, site);
    const mine = spawn(traffic, site, options());
    for (let deaths = 0; deaths < DEATHS; deaths++) {
      const [victim] = living.keys();
      living.delete(victim!);
      yield* sleep(Math.random() * 60);
      yield* until(Promise.all([victim!.end(), start()]));
    }
    yield* until(Promise.all(living.values()));
    yield* stop(site);
    yield* until(Promise.all(results));
    yield* joinall([mine], { raiseError: true });
  });
  while (!site.queue.empty()) Atomics.add(site.got.array, site.queue.getNowait(), 1);
  const cells = read(site);
  expect(cells).toMatchObject({ VIOLATIONS: 0, INSIDE: 0 });
  // What a dead thread had in hand may be lost: one step of each of its greenlets.
  expect(Math.abs(cells.COUNT! - cells.INCREMENTS!)).toBeLessThanOrEqual(DEATHS);
  const differing = [...site.put].filter((put, item) => put !== site.got.get(item)).length;
  expect(differing).toBeLessThanOrEqual(6 * DEATHS);
  expect([site.lock.locked(), site.changed.locked()]).toEqual([false, false]);
});

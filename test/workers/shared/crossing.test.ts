/** Shared objects between threads: order, fairness, deaths, the two wake-ups that are easily lost. */
import { BrokenBarrierError, joinall, run, sleep, spawn, until } from 'genlet';
import { shared } from 'genlet/workers';
import { beforeAll, describe, expect, it } from 'vitest';
import { watchHub } from '../../support/hub.ts';
import { endThreadsAfterwards, startThreads, type Thread } from './threads.ts';

watchHub();
endThreadsAfterwards();

let threads: Thread[];
beforeAll(async () => {
  threads = await startThreads(2);
}, 60_000);

/** Waits until `condition` holds, which another thread is about to bring about. */
function* eventually(condition: () => boolean) {
  while (!condition()) yield* sleep(1);
}

describe('Lock', () => {
  it('excludes all threads, with and without a switch while it is held', async () => {
    const lock = new shared.Lock();
    const counter = new shared.Value('i32');
    const calls = threads.flatMap((thread, index) => thread.call('increment', lock, counter, 500, index === 0));
    await run(function* () {
      for (let i = 0; i < 500; i++) {
        using _ = yield* lock.hold();
        const count = counter.value;
        if (i % 10 === 0) yield* sleep(0);
        counter.value = count + 1;
      }
      expect(yield* until(Promise.all(calls))).toEqual([undefined, undefined]);
    });
    expect(counter.value).toBe(2500);
    expect(lock.locked()).toBe(false);
  });

  it('serves threads in the order in which they came', async () => {
    const lock = new shared.Lock();
    const order = new shared.Array('i32', 4);
    await run(function* () {
      yield* lock.acquire();
      const line = lock.line;
      const first = threads[0]!.call('acquireInTurn', lock, order, 1);
      yield* eventually(() => [...line.slots()].length === 1);
      const mine = spawn(function* () {
        yield* lock.acquire();
        order.set(Atomics.add(order.array, 0, 1) + 1, 2);
        lock.release();
      });
      yield* sleep(1);
      const last = threads[1]!.call('acquireInTurn', lock, order, 3);
      yield* eventually(() => [...line.slots()].length === 3);
      yield* sleep(3); // all are past their patience
      lock.release();
      yield* joinall([mine]);
      yield* until(Promise.all([first, last]));
    });
    expect([...order]).toEqual([3, 1, 2, 3]);
  });

  it('is handed over to one who has waited for a millisecond, though its holder never pauses', {
    timeout: 20_000,
  }, async () => {
    const lock = new shared.Lock();
    const [started, stop] = [new shared.Event(), new shared.Event()];
    const hog = threads[0]!.call('hog', lock, started, stop);
    await run(function* () {
      yield* started.wait();
      for (let i = 0; i < 20; i++) {
        expect(yield* lock.acquire({ timeout: 5000 })).toBe(true);
        lock.release();
        yield* sleep(1);
      }
      stop.set();
      yield* until(hog);
    });
  });

  it('may be released by another thread', async () => {
    const lock = new shared.Lock();
    await threads[0]!.call('hold', lock);
    expect([lock.locked(), lock.statistics().holder]).toEqual([true, `thread ${threads[0]!.id}`]);
    lock.release();
    expect(lock.locked()).toBe(false);
  });

  it('says who holds it in the report on a deadlock', async () => {
    const lock = new shared.Lock();
    await threads[0]!.call('hold', lock);
    await run(function* () {
      const waiter = spawn(() => lock.acquire());
      yield* sleep(0);
      expect(waiter.blockedReport(0).waitsFor).toBe(`Lock.acquire(), held by thread ${threads[0]!.id}`);
      yield* waiter.kill();
    });
    lock.release();
  });
});

describe('a death', () => {
  it('leaves a lock abandoned to the first who waits', { timeout: 20_000 }, async () => {
    const [thread] = await startThreads(1);
    const [lock, rlock] = [new shared.Lock(), new shared.RLock()];
    await Promise.all([thread!.call('hold', lock)]);
    await thread!.call('hold', rlock);
    await run(function* () {
      const waiter = spawn(function* () {
        yield* lock.acquire();
        return lock.abandoned;
      });
      yield* sleep(1);
      expect(lock.locked()).toBe(true);
      const before = performance.now();
      yield* until(thread!.end());
      expect(yield* waiter).toBe(true);
      expect(performance.now() - before).toBeLessThan(1000);
      expect([rlock.locked(), rlock.acquireNowait(), rlock.abandoned]).toEqual([false, true, true]);
      rlock.release();
      lock.release();
      expect(yield* lock.acquire()).toBe(true);
      expect(lock.abandoned).toBe(false);
      lock.release();
    });
  });

  it('takes a waiter out of the line, and breaks the barrier that it waited at', { timeout: 20_000 }, async () => {
    const [thread] = await startThreads(1);
    const lock = new shared.Lock();
    const barrier = new shared.Barrier(3);
    await run(function* () {
      yield* lock.acquire();
      void thread!.call('hold', lock);
      void thread!.call('arrive', barrier);
      yield* eventually(() => lock.line.busy && barrier.waiting === 1);
      const party = spawn(function* () {
        try {
          yield* barrier.wait();
        } catch (error) {
          return error;
        }
        return undefined;
      });
      yield* sleep(3);
      yield* until(thread!.end());
      const error = yield* party;
      expect(error).toBeInstanceOf(BrokenBarrierError);
      expect((error as Error).message).toBe('Barrier.wait(): a thread ended while it waited');
      lock.release();
      expect(yield* lock.acquire({ timeout: 1000 })).toBe(true);
      expect([...lock.line.slots()]).toEqual([]);
      lock.release();
    });
  });

  it('passes on what the dead one was notified of', { timeout: 20_000 }, async () => {
    const [dying, other] = await startThreads(2);
    const condition = new shared.Condition();
    const waiting = new shared.Semaphore(0);
    await run(function* () {
      void dying!.call('notified', condition, waiting);
      yield* waiting.acquire();
      const survivor = other!.call('notified', condition, waiting);
      yield* waiting.acquire();
      yield* eventually(() => condition.acquireNowait());
      void dying!.call('spin'); // it won't hear of anything any more
      yield* sleep(30);
      condition.notify();
      condition.release();
      yield* sleep(5);
      yield* until(dying!.end());
      expect(yield* until(survivor)).toBe(true);
    });
  });
});

describe('wake-ups', () => {
  it('hears a ring that comes before it has armed its bell', async () => {
    const [ask, answer] = [new shared.Event(), new shared.Event()];
    const job = threads[0]!.call('answer', ask, answer, 300);
    await run(function* () {
      for (let i = 0; i < 300; i++) {
        ask.set();
        expect(yield* answer.wait(5000)).toBe(true);
        answer.clear();
      }
      yield* until(job);
    });
  });

  it('hears of a second permit that comes while the first waiter runs', async () => {
    const queue = new shared.Queue<number>(3, { bytes: 128 });
    const jobs = threads.map((thread) => thread.call('takeAll', queue));
    const items = Array.from({ length: 900 }, (_, i) => i);
    await run(function* () {
      const give = function* (from: number) {
        for (let i = from; i < items.length; i += 3) yield* queue.put(i);
      };
      yield* joinall([spawn(give, 0), spawn(give, 1), spawn(give, 2)], { raiseError: true, timeout: 8000 });
      for (const _ of jobs) yield* queue.put(null as never);
      const taken = (yield* until(Promise.all(jobs))) as number[][];
      expect(taken.flat().sort((a, b) => a - b)).toEqual(items);
    });
  });

  it('lets several permits that are released at once go to waiters of one thread and of several', async () => {
    const seats = new shared.Semaphore(0);
    await run(function* () {
      const mine = Array.from({ length: 5 }, () => spawn(() => seats.acquire()));
      const theirs = threads.map((thread) => thread.call('hold', seats));
      yield* eventually(() => [...seats.line.slots()].length === 3);
      seats.release(7);
      yield* joinall(mine, { timeout: 2000 });
      yield* until(Promise.all(theirs));
      expect(seats.counter).toBe(0);
    });
  });
});

it('lets rounds of all threads through together, and gives each its number', async () => {
  const barrier = new shared.Barrier(4);
  const sums = new shared.Array('i32', 200);
  const jobs = threads.map((thread) => thread.call('rounds', barrier, sums, 200));
  await run(function* () {
    const rounds = function* () {
      for (let i = 0; i < 200; i++) Atomics.add(sums.array, i, 1 + (yield* barrier.wait()));
    };
    yield* joinall([spawn(rounds), spawn(rounds)], { raiseError: true });
    yield* until(Promise.all(jobs));
  });
  expect(new Set(sums)).toEqual(new Set([1 + 2 + 3 + 4]));
  expect([barrier.waiting, barrier.broken]).toEqual([0, false]);
});

it('wakes waiters of other threads by an event that is lowered at once', async () => {
  const event = new shared.Event();
  const jobs = threads.map((thread) => thread.call('waitFor', event));
  await run(function* () {
    yield* sleep(50);
    event.set();
    event.clear();
    expect(yield* until(Promise.all(jobs))).toEqual([true, true]);
  });
});

it('notifies as many as it is told to, wherever they wait', async () => {
  const condition = new shared.Condition(new shared.Lock());
  const waiting = new shared.Semaphore(0);
  await run(function* () {
    const jobs = threads.map((thread) => thread.call('notified', condition, waiting));
    const mine = spawn(function* () {
      using _ = yield* condition.hold();
      waiting.release();
      return yield* condition.wait(5000);
    });
    for (let i = 0; i < 3; i++) yield* waiting.acquire();
    yield* condition.acquire();
    condition.notify(2);
    condition.release();
    yield* sleep(20);
    yield* condition.acquire();
    condition.notifyAll();
    condition.release();
    expect([...(yield* until(Promise.all(jobs))), yield* mine]).toEqual([true, true, true]);
  });
});

it('opens in its maker what another thread has made', async () => {
  const descriptor = await threads[0]!.call('make');
  const lock = shared.open(descriptor as shared.Descriptor<'Lock'>);
  expect(lock).toBe(shared.open(descriptor));
  expect([lock.locked(), lock.acquireNowait()]).toEqual([true, false]);
});

it('carries items through the ring in both directions, larger ones than fit at once one by one', async () => {
  const queue = new shared.Queue<unknown>(null, { bytes: 1024 });
  const items = Array.from({ length: 50 }, (_, i) => ({
    i,
    text: 'x'.repeat(i * 15),
    map: new Map([[i, new Date(i)]]),
  }));
  const back = threads[0]!.call('give', queue, items);
  await run(function* () {
    const got: unknown[] = [];
    for (const _ of items) got.push(yield* queue.get());
    yield* until(back);
    expect(got).toEqual(items);
  });
});

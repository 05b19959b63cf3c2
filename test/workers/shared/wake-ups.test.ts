/**
 * The wake-ups that are easily lost, each at its exact moment: what another thread would do is done to the shared memory
 * directly, without the ring where that thread would see nobody to ring for.
 */
import { type Greenlet, run, sleep, spawn } from 'genlet';
import { shared } from 'genlet/workers';
import { expect, it } from 'vitest';
import { STATE } from '../../../src/workers/shared/acquirable.ts';
import { BELL } from '../../../src/workers/shared/space.ts';
import { virtually, watchHub } from '../../support/hub.ts';

watchHub();

/** Calls `act` the first time that `method` of `object` is about to be called, or was. */
function once<T extends object, K extends keyof T>(object: T, method: K, when: 'before' | 'after', act: () => void) {
  const original = object[method] as (...args: unknown[]) => unknown;
  object[method] = function (this: T, ...args: unknown[]) {
    delete object[method];
    if (when === 'before') act();
    const result = original.apply(this, args);
    if (when === 'after') act();
    return result;
  } as T[K];
}

/** Its wait ends, and no time limit is there that would look again. */
function* soon(waiter: Greenlet<boolean>) {
  yield* waiter.join(2000);
  const { value } = waiter;
  yield* waiter.kill();
  expect(value).toBe(true);
}

/** As `release()` in another thread that finds no ticket. */
const releaseSilently = (lock: shared.Lock) => Atomics.store(lock.words, STATE, 0);

/** As another thread rings. */
function ring({ space }: shared.Lock) {
  const words = new Int32Array(space.block);
  Atomics.store(words, BELL + space.slot, 1);
  Atomics.notify(words, BELL + space.slot);
}

it('looks again after its ticket is published: the lock may have got free in between', () =>
  run(function* () {
    const lock = new shared.Lock();
    lock.acquireNowait();
    once(lock.line, 'add', 'before', () => releaseSilently(lock));
    yield* soon(spawn(() => lock.acquire()));
  }));

it('hears a ring that comes while it looks', () =>
  run(function* () {
    const lock = new shared.Lock();
    lock.acquireNowait();
    const waiter = spawn(() => lock.acquire());
    yield* sleep(1);
    once(lock.line, 'serve', 'after', () => {
      releaseSilently(lock);
      ring(lock);
    });
    ring(lock);
    yield* soon(waiter);
  }));

it('passes on a ring that it has no use for any more', () =>
  run(function* () {
    const lock = new shared.Lock();
    lock.acquireNowait();
    const [killed, next] = [spawn(() => lock.acquire()), spawn(() => lock.acquire())];
    yield* sleep(1);
    releaseSilently(lock); // the other thread rings for the first, who is killed before the bell is heard
    yield* killed.kill();
    yield* soon(next);
  }));

it('takes what was left for it when its time was up before it heard the ring', () =>
  virtually(function* () {
    const lock = new shared.Lock();
    lock.acquireNowait();
    const waiter = spawn(() => lock.acquire({ timeout: 5 }));
    yield* sleep(1);
    releaseSilently(lock);
    expect(yield* waiter).toBe(true);
  }));

it('does not miss an event that is raised and lowered while it goes to wait', () =>
  run(function* () {
    const event = new shared.Event();
    once(event.line, 'add', 'before', () => {
      Atomics.add(event.words, STATE, 1); // up
    });
    yield* soon(spawn(() => event.wait()));
  }));

it('takes over the mutex of a queue from a thread that died in the middle, with its change or without', () => {
  const queue = new shared.Queue<number>();
  queue.putNowait(1);
  const mutex = STATE; // the first word of the ring
  const dead = (5 << 7) | 100;
  Atomics.store(queue.words, mutex, dead); // before it wrote anything down
  expect(queue.getNowait()).toBe(1);
  queue.putNowait(2);
  queue.putNowait(3);
  const [head, tail, puts, gets] = [2, 3, 4, 5].map((word) => queue.words[mutex + word]!);
  // The item is a tag and one digit, in 4 bytes after 4 of the header.
  const log = [head! + 8, tail!, puts!, gets! + 1];
  log.forEach((word, at) => {
    queue.words[mutex + 6 + at] = word;
  });
  Atomics.store(queue.words, mutex + 10, 1); // it has written down a get
  Atomics.store(queue.words, mutex, dead);
  expect(queue.getNowait()).toBe(3);
  expect(queue.empty()).toBe(true);
});

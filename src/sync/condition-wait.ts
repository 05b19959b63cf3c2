/** What the wait of a `Condition` consists of, be it in one thread or between several. */
import { hub } from '../core/hub.ts';
import type { Coroutine, Operation } from '../core/operation.ts';
import { shield } from '../core/shield.ts';

/** A lock that can be given up wholly, however often it is held, and restored. */
interface Leavable {
  acquireNowait(): boolean;
  acquire(): Operation<boolean>;
  isMine(): boolean;
  restore(depth: number): void;
}

/** Takes a lock again that was given up; a kill that comes meanwhile is thrown when it is there, after a call of `killed`. @internal */
export function* retakeLock(lock: Leavable, depth: number, killed: () => void): Coroutine<void> {
  try {
    if (!lock.acquireNowait()) yield* shield(() => lock.acquire());
  } catch (error) {
    killed();
    throw error;
  } finally {
    if (lock.isMine()) lock.restore(depth);
  }
}

/** Waits until `predicate()` is true, and gives its last value: a false one when `limit` milliseconds are over. @internal */
export function* waitUntil<T>(
  predicate: () => T,
  limit: number | undefined,
  wait: (left: number | undefined) => Coroutine<boolean>,
): Coroutine<T> {
  const due = limit === undefined ? undefined : hub.now() + limit;
  for (;;) {
    const value = predicate();
    if (value) return value;
    const left = due === undefined ? undefined : due - hub.now();
    if (left !== undefined && left <= 0) return value;
    yield* wait(left);
  }
}

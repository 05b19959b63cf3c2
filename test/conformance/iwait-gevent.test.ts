/** gevent's test__iwait. */
import { iwait, Semaphore, spawn } from 'genlet';
import { describe, expect, it } from 'vitest';
import { hub, virtually, watchHub } from '../support/hub.ts';

watchHub();

/** Counts its links. */
class Linked extends Semaphore {
  readonly callbacks: Set<unknown> = new Set();

  override rawlink(callback: (source: this) => void): void {
    this.callbacks.add(callback);
    super.rawlink(callback);
  }

  override unlink(callback: (source: this) => void): void {
    this.callbacks.delete(callback);
    super.unlink(callback);
  }
}

describe('iwait', () => {
  it('is an iteration itself: next() gives the semaphore that gets free', () =>
    virtually(function* () {
      const [first, second] = [new Semaphore(0), new Semaphore(0)];
      spawn(() => first.release());
      using ready = iwait([first, second]);
      const step = yield* ready.next();
      expect([step.done, step.value === first, first.counter]).toEqual([false, true, 1]); // it takes no permit
    }));

  it('may be left in the middle, and leaves no timer behind', () =>
    virtually(function* () {
      const semaphore = new Semaphore(0);
      const releasing = spawn(() => semaphore.release());
      {
        using ready = iwait([semaphore], { timeout: 10 });
        expect((yield* ready.next()).value === semaphore).toBe(true);
      }
      expect(hub.stats().timers).toBe(0);
      yield* releasing;
    }));

  it('takes its links back when it is left', () =>
    virtually(function* () {
      const [first, second] = [new Linked(0), new Linked(0)];
      const releasing = spawn(() => first.release());
      {
        using ready = iwait([first, second]);
        expect((yield* ready.next()).value === first).toBe(true);
        expect(second.callbacks.size).toBe(1);
      }
      expect(second.callbacks.size).toBe(0);
      yield* releasing;
    }));
});

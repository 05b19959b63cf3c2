import { describe, expect, it } from 'vitest';
import { Ref, Timer, TimerQueue } from '../../src/core/timers.ts';
import { random } from '../support/random.ts';

class Alarm extends Timer {
  readonly id: number;
  readonly #fired: number[];

  constructor(id: number, fired: number[]) {
    super();
    this.id = id;
    this.#fired = fired;
  }

  fire(): void {
    this.#fired.push(this.id);
  }
}

/** A queue whose timers start at 0, and the list of those that have fired. */
function setup() {
  const queue = new TimerQueue();
  const fired: number[] = [];
  const start = (id: number, ms: number, now = 0): Alarm => {
    const alarm = new Alarm(id, fired);
    queue.start(alarm, ms);
    queue.settle(now);
    return alarm;
  };
  return { queue, fired, start };
}

describe('TimerQueue', () => {
  it('fires in the order of time, and of starting within a millisecond', () => {
    const { queue, fired, start } = setup();
    for (const [id, ms] of [5, 3, 3.5, 0, 5, 4].entries()) start(id, ms);
    queue.expire(5);
    expect(fired).toEqual([3, 1, 2, 5, 0, 4]);
  });

  it('fires in the order of time also when it is late', () => {
    const { queue, fired, start } = setup();
    for (const ms of [100, 70, 5000, 3, 4200, 90]) start(ms, ms);
    queue.expire(1e6);
    expect(fired).toEqual([3, 70, 90, 100, 4200, 5000]);
  });

  it('never fires early, and next() is never too late', () => {
    const { queue, fired, start } = setup();
    start(1, 1, 0.7);
    expect(queue.next()).toBeLessThanOrEqual(2);
    queue.expire(1.69);
    expect(fired).toEqual([]);
    queue.expire(2);
    expect([fired, queue.next(), queue.size]).toEqual([[1], Number.POSITIVE_INFINITY, 0]);
  });

  it('counts what runs and what keeps the process alive', () => {
    const { queue, start } = setup();
    const alarms = [start(1, 10), start(2, 1e6)];
    const unref = new Alarm(3, []);
    unref.ref = Ref.NOTHING;
    queue.start(unref, 5);
    queue.settle(0);
    expect([queue.size, queue.refs]).toEqual([3, 2]);
    queue.expire(5);
    expect([queue.size, queue.refs, unref.pending]).toEqual([2, 2, false]);
    for (const alarm of alarms) queue.cancel(alarm);
    for (const alarm of alarms) queue.cancel(alarm);
    expect([queue.size, queue.refs]).toEqual([0, 0]);
  });

  it('may be changed by what fires', () => {
    const { queue, fired, start } = setup();
    const later = start(2, 10);
    const killer = new (class extends Timer {
      fire(): void {
        queue.cancel(later);
        queue.start(new Alarm(3, fired), 0);
      }
    })();
    queue.start(killer, 9);
    queue.settle(0);
    const same = start(4, 10);
    queue.expire(10);
    expect([fired, same.pending, queue.size]).toEqual([[4], false, 1]);
    queue.expire(10);
    expect(fired).toEqual([4, 3]);
  });

  it.each([1e9, 2 ** 30, 2 ** 31, 1e11, 2 ** 45])('holds a timer of %d ms, and jumps there', (ms) => {
    const { queue, fired, start } = setup();
    start(1, ms);
    start(2, 50);
    let now = 0;
    let steps = 0;
    for (; queue.size > 0; steps++) {
      now = Math.max(now, queue.next());
      queue.expire(now);
    }
    expect([fired, now]).toEqual([[2, 1], ms]);
    expect(steps).toBeLessThan(20 + ms / 2 ** 29);
  });

  it('does what a sorted list does, at any length and over rebasing', () => {
    for (let seed = 1; seed <= 30; seed++) {
      const next = random(seed);
      const { queue, fired, start } = setup();
      let model: { id: number; due: number; alarm: Alarm }[] = [];
      const expected: number[] = [];
      const scale = [10, 1000, 1e6, 2e9][seed % 4]!;
      let now = 0;
      for (let id = 0; id < 500; id++) {
        const roll = next(4);
        if (roll < 2) {
          const ms = next(scale);
          model.push({ id, due: Math.ceil(now + ms), alarm: start(id, ms, now) });
        } else if (roll === 2 && model.length > 0) {
          const [gone] = model.splice(next(model.length), 1);
          queue.cancel(gone!.alarm);
        } else {
          // to the next timer, or anywhere
          const due = queue.next();
          if (model.length > 0) expect(due).toBeLessThanOrEqual(Math.min(...model.map((timer) => timer.due)));
          now = Math.max(now, next(2) === 0 && due < Number.POSITIVE_INFINITY ? due : now + next(scale / 10));
          queue.expire(now);
          queue.expire(now);
          const ready = model
            .filter((timer) => timer.due <= now)
            .sort((one, other) => one.due - other.due || one.id - other.id);
          expected.push(...ready.map((timer) => timer.id));
          model = model.filter((timer) => timer.due > now);
        }
        expect(queue.size, `seed ${seed}`).toBe(model.length);
      }
      expect(fired, `seed ${seed}`).toEqual(expected);
    }
  });
});

import { type Greenlet, RawGreenlet, sleep, spawn, suspend, wait } from 'genlet';
import { describe, expect, it } from 'vitest';
import { hub, untilIdle, virtually, watchHub } from '../support/hub.ts';

watchHub();

describe.each([
  ['hub.join()', (options?: { timeout?: number }) => hub.join(options)],
  ['wait() without objects', (options?: { timeout?: number }) => wait(undefined, options)],
])('%s', (_, join) => {
  it('waits until no other greenlet, callback or timer is left', async () => {
    const events: unknown[] = [];
    await virtually(function* () {
      spawn(function* () {
        yield* sleep(10);
        spawn(function* () {
          yield* sleep(10);
          events.push('grandchild');
        });
      });
      hub.callLater(30, () => events.push('callback'));
      expect(yield* join()).toBe(true);
      expect(hub.now()).toBe(30);
    });
    expect(events).toEqual(['grandchild', 'callback']);
  });

  it('gives true at once if nothing is left, false when time is up', async () => {
    await virtually(function* () {
      expect(yield* join()).toBe(true);
      const greenlet = spawn(sleep, 100);
      expect([yield* join({ timeout: 0 }), hub.now()]).toEqual([false, 0]);
      expect([yield* join({ timeout: 30 }), hub.now()]).toEqual([false, 30]);
      expect([yield* join({ timeout: 1000 }), hub.now()]).toEqual([true, 100]);
      expect([greenlet.dead, hub.stats().timers]).toEqual([true, 0]);
    });
  });

  it('does not wait for daemons', async () => {
    await virtually(function* () {
      const daemon = spawn(function* () {
        for (;;) yield* sleep(10);
      });
      daemon.daemon = true;
      yield* sleep(5);
      expect(yield* join()).toBe(true);
      expect([hub.now(), daemon.dead]).toEqual([5, false]);
    });
    await untilIdle();
  });

  it('is left by several joiners together, and by a kill', async () => {
    await virtually(function* () {
      const joiners = [spawn(() => join()), spawn(() => join())];
      const killed = spawn(() => join({ timeout: 1000 }));
      spawn(sleep, 10);
      yield* sleep(5);
      yield* killed.kill();
      expect(yield* join()).toBe(true);
      yield* sleep(0);
      expect(joiners.map(({ value }) => value)).toEqual([true, true]);
    });
  });

  it('ends if the others can never be woken', async () => {
    await virtually(function* () {
      const one = spawn(sleep, 0);
      const stuck: Greenlet<void> = spawn(function* () {
        yield* one;
        yield* other.join();
      });
      const other: Greenlet<void> = spawn(() => stuck.join());
      expect(yield* join()).toBe(true);
      expect(stuck.dead).toBe(false);
      stuck.kill();
    });
    await untilIdle();
  });

  it('refuses a negative timeout', () => {
    expect(() => join({ timeout: -1 })).toThrow(RangeError);
  });
});

it('counts right where a daemon or a raw greenlet calls it', async () => {
  await virtually(function* () {
    let finish!: () => unknown;
    const other = spawn(() => suspend<void>((resume) => void (finish = () => resume())));
    const events: string[] = [];
    const daemon = spawn(function* () {
      yield* hub.join();
      events.push('joined');
    });
    daemon.daemon = true;
    const raw = new RawGreenlet(function* () {
      expect(yield* hub.join({ timeout: 10 })).toBe(false);
    });
    yield* raw.switch();
    expect(events).toEqual([]);
    finish();
    yield* other;
  });
  await untilIdle();
});

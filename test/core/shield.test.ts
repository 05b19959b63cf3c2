import { type Greenlet, getcurrent, shield, sleep, spawn, Timeout, withTimeout } from 'genlet';
import { describe, expect, it } from 'vitest';
import { hub, virtually, watchHub } from '../support/hub.ts';

watchHub();

describe('shield', () => {
  it('lets its body end, and delivers the kill then', async () => {
    const events: unknown[] = [];
    await virtually(function* () {
      const greenlet = spawn(function* () {
        try {
          yield* shield(function* () {
            yield* sleep(10);
            yield* sleep(10);
            events.push(`body ended at ${hub.now()}`);
          });
          events.push('went on');
        } finally {
          yield* sleep(1);
          events.push('finally');
        }
      });
      yield* sleep(5);
      yield* greenlet.kill();
      expect(greenlet.successful()).toBe(true);
    });
    expect(events).toEqual(['body ended at 20', 'finally']);
  });

  it('gives what its body gives, and throws what it throws', async () => {
    const error = new Error('body');
    await virtually(function* () {
      expect([yield* shield(() => 1), yield* shield(async () => 2), yield* shield(() => spawn(() => 3))]).toEqual([
        1, 2, 3,
      ]);
      try {
        yield* shield(() => {
          throw error;
        });
        expect.fail('no error');
      } catch (caught) {
        expect(caught).toBe(error);
      }
    });
  });

  it('holds outer timeouts back, while inner ones work', async () => {
    await virtually(function* () {
      using outer = Timeout.startNew(10);
      try {
        yield* shield(function* () {
          expect(yield* withTimeout(20, () => sleep(1000), { value: 'inner' })).toBe('inner');
          expect(yield* withTimeout(5, () => sleep(1000), { value: 'inner' })).toBe('inner');
        });
        expect.fail('no timeout');
      } catch (error) {
        expect(error).toBe(outer);
      }
      expect(hub.now()).toBe(25);
    });
  });

  it('nests: what belongs to the outer body waits for the inner one only', async () => {
    const events: unknown[] = [];
    await virtually(function* () {
      const greenlet = spawn(function* () {
        yield* shield(function* () {
          using limit = Timeout.startNew(10);
          try {
            yield* shield(() => sleep(20));
          } catch (error) {
            events.push([error === limit, hub.now()]);
          }
          yield* sleep(20);
        });
      });
      yield* sleep(5);
      yield* greenlet.kill();
      events.push(hub.now());
    });
    expect(events).toEqual([[true, 20], 40]);
  });

  it('keeps off a kill from its own body, until the end', async () => {
    const events: string[] = [];
    await virtually(function* () {
      const greenlet = spawn(function* () {
        yield* shield(function* () {
          (getcurrent() as Greenlet).kill();
          yield* sleep(0);
          events.push('shielded');
        });
        events.push('went on');
      });
      yield* greenlet.join();
    });
    expect(events).toEqual(['shielded']);
  });

  it('protects a finally from a second kill', async () => {
    const events: string[] = [];
    await virtually(function* () {
      const greenlet = spawn(function* () {
        try {
          yield* sleep(1000);
        } finally {
          yield* shield(function* () {
            yield* sleep(10);
            events.push('saved');
          });
        }
      });
      yield* sleep(0);
      greenlet.kill();
      yield* sleep(5);
      yield* greenlet.kill();
    });
    expect(events).toEqual(['saved']);
  });

  it('delivers a kill that came while its last wait was granted', async () => {
    await virtually(function* () {
      const greenlet = spawn(function* () {
        yield* shield(() => sleep(10));
        expect.fail('went on');
      });
      hub.callLater(10, () => void greenlet.kill());
      yield* greenlet.join();
      expect(greenlet.successful()).toBe(true);
    });
  });

  it('refuses what is no function', () => {
    expect(() => shield(sleep(5) as never)).toThrow(TypeError);
  });
});

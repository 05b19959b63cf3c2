import { getcurrent, RawGreenlet, setTrace, sleep, spawn, spawnNow, type Tracer } from 'genlet';
import { afterEach, describe, expect, it } from 'vitest';
import { virtually, watchHub } from '../support/hub.ts';

const { takeReports } = watchHub();

afterEach(() => void setTrace(undefined));

/** A tracer that writes down names. */
function recorder(events: unknown[]): Tracer {
  return (event, origin, target) => void events.push([event, origin?.name ?? 'hub', target?.name ?? 'hub']);
}

function named(name: string, fn: (...args: any[]) => unknown): RawGreenlet {
  const greenlet = new RawGreenlet(fn);
  greenlet.name = name;
  return greenlet;
}

describe('setTrace', () => {
  it('sees every switch and throw, ends included', async () => {
    const events: unknown[] = [];
    await virtually(function* () {
      const main = getcurrent()!;
      const child = named('child', function* () {
        yield* main.switch();
      });
      const failing = named('failing', () => {
        throw new Error('child');
      });
      setTrace(recorder(events));
      yield* child.switch();
      yield* child.throw();
      try {
        yield* failing.switch();
      } catch {}
      setTrace(undefined);
    });
    expect(events).toEqual([
      ['switch', 'main', 'child'],
      ['switch', 'child', 'main'],
      ['throw', 'main', 'child'],
      ['switch', 'child', 'main'],
      ['switch', 'main', 'failing'],
      ['throw', 'failing', 'main'],
    ]);
  });

  it('sees the hub as undefined', async () => {
    const events: unknown[] = [];
    await virtually(function* () {
      const other = spawn(sleep, 1);
      other.name = 'other';
      setTrace(recorder(events));
      yield* other;
      setTrace(undefined);
    });
    expect(events).toEqual([
      ['switch', 'main', 'hub'],
      ['switch', 'hub', 'other'],
      ['switch', 'other', 'hub'],
      ['switch', 'hub', 'other'],
      ['switch', 'other', 'hub'],
      ['switch', 'hub', 'main'],
    ]);
  });

  it('sees a spawnNow child give control back to its parent', async () => {
    const events: unknown[] = [];
    await virtually(function* () {
      yield* sleep(0);
      setTrace(recorder(events));
      spawnNow(function* () {
        getcurrent()!.name = 'child';
        yield* sleep(0);
      });
      yield* sleep(0);
      setTrace(undefined);
    });
    expect(events.slice(1)).toEqual([
      ['switch', 'child', 'main'],
      ['switch', 'main', 'hub'],
      ['switch', 'hub', 'child'],
      ['switch', 'child', 'hub'],
      ['switch', 'hub', 'main'],
    ]);
  });

  it('gives the tracer that was installed before', () => {
    const [one, other] = [recorder([]), recorder([])];
    expect([setTrace(one), setTrace(other), setTrace(undefined), setTrace(undefined)]).toEqual([
      undefined,
      one,
      other,
      undefined,
    ]);
  });

  it('is removed when it throws, and its error lands in the target', async () => {
    const error = new Error('tracer');
    let calls = 0;
    await virtually(function* () {
      const child = named('child', function* () {
        yield* sleep(0);
      });
      setTrace(() => {
        calls++;
        throw error;
      });
      try {
        yield* child.switch();
        expect.fail('no error');
      } catch (caught) {
        expect(caught).toBe(error);
      }
      yield* sleep(1);
    });
    expect(calls).toBe(1);
    expect(setTrace(undefined)).toBe(undefined);
    await takeReports();
  });

  it('refuses what is no function', () => {
    expect(() => setTrace(5 as never)).toThrow(new TypeError('tracer is 5: give a function'));
  });
});

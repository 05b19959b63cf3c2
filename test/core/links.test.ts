import { Greenlet, getcurrent, joinall, sleep, spawn } from 'genlet';
import { describe, expect, it } from 'vitest';
import { hub, nextTurn, virtually, watchHub } from '../support/hub.ts';

const { takeReports } = watchHub();

const failure = new Error('failure');
const failing = () => {
  throw failure;
};

describe('links', () => {
  it('of all kinds fire in the order of registration, joiners included, never synchronously', async () => {
    const events: string[] = [];
    await virtually(function* () {
      const greenlet = new Greenlet(() => events.push('end'));
      greenlet.link(() => events.push('link'));
      greenlet.rawlink(() => events.push('rawlink'));
      greenlet.linkValue(() => events.push('linkValue'));
      greenlet.linkException(() => events.push('linkException'));
      spawn(function* () {
        yield* greenlet.join();
        events.push('joiner');
      });
      yield* sleep(0);
      greenlet.rawlink(() => events.push('rawlink 2'));
      greenlet.start();
      yield* sleep(1);
    });
    expect(events).toEqual(['end', 'link', 'rawlink', 'linkValue', 'joiner', 'rawlink 2']);
  });

  it.each([
    ['an ended', () => {}, ['rawlink', 'link', 'linkValue']],
    ['a failed', failing, ['rawlink', 'link', 'linkException']],
  ])('to %s greenlet fire in the next pass, those that fit', async (_, fn, expected) => {
    const events: string[] = [];
    await virtually(function* () {
      const greenlet = spawn(fn);
      yield* joinall([greenlet]);
      for (const kind of ['rawlink', 'link', 'linkValue', 'linkException'] as const) {
        greenlet[kind](() => void events.push(kind));
      }
      events.push('linked');
      yield* sleep(1);
    });
    expect(events).toEqual(['linked', ...expected]);
  });

  it('get the greenlet; a rawlink runs in the hub, the others in a greenlet of their own, where they may block', async () => {
    const events: unknown[] = [];
    await virtually(function* () {
      const greenlet = spawn(sleep, 1);
      greenlet.rawlink((source) => events.push(['rawlink', source === greenlet, getcurrent()]));
      greenlet.link(function* (source: Greenlet<any>) {
        yield* sleep(10);
        events.push(['link', source === greenlet, getcurrent() instanceof Greenlet, hub.now()]);
      });
      yield* sleep(20);
    });
    expect(events).toEqual([
      ['rawlink', true, undefined],
      ['link', true, true, 11],
    ]);
  });

  it('see a kill as a value, before the start too', async () => {
    const events: string[] = [];
    await virtually(function* () {
      const greenlet = spawn(sleep, 1);
      greenlet.linkValue(() => events.push('value'));
      greenlet.linkException(() => events.push('exception'));
      greenlet.kill();
      yield* sleep(0);
      yield* sleep(0);
    });
    expect(events).toEqual(['value']);
  });

  it('report their errors, and the others still run', async () => {
    const events: string[] = [];
    await virtually(function* () {
      const greenlet = spawn(() => {});
      greenlet.rawlink(failing);
      greenlet.link(failing);
      greenlet.rawlink(() => events.push('other'));
      yield* sleep(1);
    });
    expect(events).toEqual(['other']);
    expect((await takeReports()).map(({ error, context }) => [error, context])).toEqual([
      [failure, 'hub callback'],
      [failure, 'greenlet'],
    ]);
  });

  it('are taken back by unlink, also while the others are being served', async () => {
    const events: string[] = [];
    await virtually(function* () {
      const greenlet = spawn(() => {});
      const note = (name: string) => () => void events.push(name);
      const [early, late, later] = [note('early'), note('late'), note('later')];
      greenlet.rawlink(early);
      greenlet.rawlink(() => {
        events.push('first');
        greenlet.unlink(late);
        greenlet.unlink(later);
      });
      greenlet.rawlink(late);
      greenlet.link(later);
      greenlet.unlink(early);
      greenlet.unlink(note('never linked'));
      yield* sleep(1);
    });
    expect(events).toEqual(['first']);
  });

  it('that a link adds meanwhile fire in the next pass', async () => {
    const events: string[] = [];
    await virtually(function* () {
      const greenlet = spawn(() => {});
      greenlet.rawlink(() => {
        greenlet.rawlink(() => events.push('added'));
        events.push('first');
      });
      greenlet.rawlink(() => events.push('second'));
      yield* sleep(1);
    });
    expect(events).toEqual(['first', 'second', 'added']);
  });

  it('fire once each, even if one function was linked twice', async () => {
    let calls = 0;
    const count = () => void calls++;
    await virtually(function* () {
      const greenlet = spawn(() => {});
      greenlet.rawlink(count);
      greenlet.rawlink(count);
      greenlet.rawlink(count);
      greenlet.unlink(count);
      yield* sleep(1);
      yield* sleep(1);
    });
    expect(calls).toBe(2);
  });

  it.each([
    ['link', 0],
    ['linkException', 0],
    ['linkValue', 1],
    ['rawlink', 1],
  ] as const)('by %s take the error or not', async (kind, reported) => {
    await virtually(function* () {
      const greenlet = spawn(failing);
      greenlet[kind](() => {});
      yield* sleep(1);
    });
    expect(await takeReports()).toHaveLength(reported);
  });

  it('keep no greenlet alive and none waiting: a link on one that never ends is no work', async () => {
    await virtually(function* () {
      const greenlet = spawn(sleep, 1000);
      greenlet.rawlink(() => {});
      yield* sleep(0);
      yield* greenlet.kill();
    });
    await nextTurn();
  });

  it.each([
    ['rawlink', 'link is 5: give a plain function'],
    ['link', 'link is 5: give a coroutine function or a plain function'],
    ['linkValue', 'link is 5: give a coroutine function or a plain function'],
    ['linkException', 'link is 5: give a coroutine function or a plain function'],
  ] as const)('%s refuses what is no function', (kind, message) => {
    expect(() => new Greenlet(() => {})[kind](5 as never)).toThrow(new TypeError(message));
  });
});

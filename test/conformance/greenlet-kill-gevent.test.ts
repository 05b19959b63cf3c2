/** gevent's test__greenlet, the classes about `kill` and `killall`. */
import { type Coroutine, Greenlet, GreenletExit, killall, RawGreenlet, sleep, spawn } from 'genlet';
import { describe, expect, it } from 'vitest';
import { hub, virtually, watchHub } from '../support/hub.ts';

watchHub();

const forms = [
  ['kill, waiting for the end', { all: false, block: true }],
  ['kill, not waiting', { all: false, block: false }],
  ['killall, waiting for the end', { all: true, block: true }],
  ['killall, not waiting', { all: true, block: false }],
] as const;
const exceptions = [
  ['the exit', undefined],
  ['another error', new Error('killer')],
  ['a value that is no error', 42],
] as const;
const cases = exceptions.flatMap(([thrown, exception]) =>
  forms.map(([form, options]) => [thrown, form, { exception, ...options }] as const),
);

const stages: [string, (greenlet: Greenlet<any>) => Coroutine<void>][] = [
  ['unstarted', function* () {}],
  [
    'started, not begun',
    function* (greenlet) {
      greenlet.start();
    },
  ],
  [
    'to start later',
    function* (greenlet) {
      greenlet.startLater(200);
    },
  ],
  [
    'blocked',
    function* (greenlet) {
      greenlet.start();
      yield* sleep(0);
    },
  ],
];

describe.each(stages)('a greenlet that is %s', (_, bring) => {
  it.each(cases)('ends with %s: %s', (_thrown, _form, { exception, all, block }) =>
    virtually(function* () {
      const log: unknown[] = [];
      const greenlet = new Greenlet(function* () {
        yield* sleep(10_000);
        log.push('went on');
      });
      greenlet.link((source) => log.push(source === greenlet));
      yield* bring(greenlet);
      const sendKill = () => (all ? killall([greenlet], exception, { block }) : greenlet.kill(exception, { block }));
      const expectEnd = () => {
        const { started, dead, value } = greenlet;
        expect([started, dead, greenlet.ready()]).toEqual([false, true, true]);
        if (exception === undefined) {
          expect([greenlet.successful(), greenlet.exception]).toEqual([true, undefined]);
          expect(value).toBeInstanceOf(GreenletExit);
        } else {
          expect([greenlet.successful(), value]).toEqual([false, undefined]);
          expect(greenlet.exception).toBe(exception);
        }
      };
      yield* sendKill();
      if (!block) yield* sleep(0);
      expectEnd();
      yield* sleep(10);
      expectEnd();
      yield* sendKill(); // a second kill must do no harm
      yield* sleep(10);
      expectEnd();
      expect(log).toEqual([true]);
      expect([hub.now(), hub.stats().timers]).toEqual([20, 0]);
    }),
  );
});

describe('killing', () => {
  it('refuses raw greenlets in killall: who runs them ends them, with throw()', () =>
    virtually(function* () {
      const raw = new RawGreenlet(() => 1);
      expect(() => killall([raw as never])).toThrow(TypeError);
      expect(raw.dead).toBe(false);
      expect(yield* raw.throw()).toBeInstanceOf(GreenletExit);
      expect(raw.dead).toBe(true);
    }));

  it('leaves nothing of a greenlet that has not begun', () =>
    virtually(function* () {
      const before = hub.stats();
      yield* spawn(sleep, 200).kill();
      expect(hub.stats()).toMatchObject({ alive: before.alive, timers: 0, ready: before.ready });
    }));

  it('leaves nothing of a greenlet that sleeps', () =>
    virtually(function* () {
      const before = hub.stats();
      const sleeper = spawn(sleep, 200);
      yield* sleep(1);
      expect(hub.stats()).toMatchObject({ alive: before.alive + 1, timers: 1 });
      yield* sleeper.kill();
      expect(hub.stats()).toMatchObject({ alive: before.alive, timers: 0 });
    }));
});

import { Greenlet, getcurrent, run, sleep, spawn } from 'genlet';
import { VirtualClock } from 'genlet/testing';
import { describe, expect, it } from 'vitest';
import { runProgram } from '../support/child.ts';
import { hub, untilIdle, virtually, watchHub } from '../support/hub.ts';

watchHub();

describe('run', () => {
  it('gives the result of main, of any kind of function', async () => {
    expect(
      await Promise.all([
        run(function* () {
          yield* sleep(1);
          return 1;
        }),
        run(() => 2),
        run(async () => 3),
        run(() => spawn(() => 4)),
      ]),
    ).toEqual([1, 2, 3, 4]);
  });

  it('rejects with the very error of main', async () => {
    const error = new Error('main');
    const failing = run(function* () {
      yield* sleep(1);
      throw error;
    });
    await expect(failing).rejects.toBe(error);
  });

  it('runs main as a Greenlet of that name', async () => {
    await run(() => {
      expect(getcurrent()).toBeInstanceOf(Greenlet);
      expect(getcurrent()!.name).toBe('main');
    });
  });

  it('does not run main synchronously', async () => {
    const events: string[] = [];
    const ended = run(() => void events.push('main'));
    events.push('run returned');
    await ended;
    expect(events).toEqual(['run returned', 'main']);
  });

  it('settles when main ends; others run on', async () => {
    const events: string[] = [];
    await virtually(() => {
      spawn(function* () {
        yield* sleep(10);
        events.push('other');
      });
    });
    events.push('main ended');
    await untilIdle();
    expect(events).toEqual(['main ended', 'other']);
  });

  it('refuses what is no function', () => {
    expect(() => run((function* () {})() as never)).toThrow('pass the function and its arguments, not its call');
  });
});

describe('run with a clock', () => {
  it('takes time from it, and real time again once the hub is quiet', async () => {
    const clock = new VirtualClock();
    await run(() => sleep(1000), { clock });
    expect(clock.now()).toBe(1000);
    const before = performance.now();
    const now = hub.now();
    expect([before <= now, now <= performance.now()]).toEqual([true, true]);
  });

  it('leaves nothing of the virtual time to timers that come after', async () => {
    await run(() => sleep(3_600_000), { clock: new VirtualClock() });
    const begin = performance.now();
    await run(() => sleep(5));
    expect(performance.now() - begin).toBeLessThan(5000);
  });

  it('refuses what is no clock', () => {
    expect(() => run(() => 1, { clock: {} as never })).toThrow(
      new TypeError('clock is {}: give a Clock, such as new VirtualClock()'),
    );
  });

  it('refuses one while timers run by another', async () => {
    const other = run(() => sleep(5));
    await run(() => {});
    expect(() => run(() => {}, { clock: new VirtualClock() })).toThrow(
      expect.objectContaining({ code: 'GENLET_INVALID_STATE' }),
    );
    await other;
  });
});

describe('run with a signal', () => {
  it('kills main on abort, and rejects with the reason once its finally is done', async () => {
    const events: string[] = [];
    const reason = new Error('stop');
    const controller = new AbortController();
    const ended = run(
      function* () {
        try {
          hub.callLater(5, () => controller.abort(reason));
          yield* sleep(1000);
        } finally {
          yield* sleep(10);
          events.push(`finally at ${hub.now()}`);
        }
      },
      { signal: controller.signal, clock: new VirtualClock() },
    );
    await expect(ended).rejects.toBe(reason);
    expect(events).toEqual(['finally at 15']);
  });

  it('resolves if main returns a value all the same', async () => {
    const controller = new AbortController();
    const ended = run(
      function* () {
        try {
          yield* sleep(1000);
        } catch {}
        return 'coped';
      },
      { signal: controller.signal },
    );
    setImmediate(() => controller.abort());
    expect(await ended).toBe('coped');
  });

  it('never runs main if it was aborted before', async () => {
    const reason = new Error('too late');
    const ended = run(() => expect.fail('ran'), { signal: AbortSignal.abort(reason) });
    await expect(ended).rejects.toBe(reason);
  });

  it('never runs main if it is aborted before main begins', async () => {
    const reason = new Error('at once');
    const controller = new AbortController();
    const ended = run(() => expect.fail('ran'), { signal: controller.signal });
    controller.abort(reason);
    await expect(ended).rejects.toBe(reason);
  });

  it('takes its listener off at the end', async () => {
    const controller = new AbortController();
    await run(() => {}, { signal: controller.signal });
    controller.abort();
    await run(() => sleep(0));
  });
});

describe('run with signals: true', () => {
  const program = (body: string) => `
    import { run, sleep } from 'genlet';
    process.on('exit', (code) => console.log('exit', code));
    const value = await run(function* () {
      try {
        console.log('ready');
        yield* sleep(60_000);
      } ${body}
    }, { signals: true });
    console.log(String(value));
  `;

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('kills main by the first %s and waits for its finally', async (signal, code) => {
    const { lines, exit } = await runProgram(program(`finally { yield* sleep(20); console.log('finally'); }`), {
      onLine: (line, kill) => line === 'ready' && kill(signal),
    });
    expect({ lines, exit }).toEqual({
      lines: ['ready', 'finally', `GreenletExit: ${signal}`, `exit ${code}`],
      exit: code,
    });
  });

  it('ends the process by the second', async () => {
    const { lines, exit } = await runProgram(
      program(`finally { console.log('finally'); yield* sleep(60_000); console.log('never'); }`),
      { onLine: (line, kill) => line !== 'exit 130' && kill('SIGINT') },
    );
    expect({ lines, exit }).toEqual({ lines: ['ready', 'finally', 'exit 130'], exit: 130 });
  });

  it('ends with 0 if main coped with the signal', async () => {
    const { lines, exit } = await runProgram(program(`catch { return 'coped'; }`), {
      onLine: (line, kill) => line === 'ready' && kill('SIGTERM'),
    });
    expect({ lines, exit }).toEqual({ lines: ['ready', 'coped', 'exit 0'], exit: 0 });
  });

  it('takes its handlers off at the end', async () => {
    const { lines } = await runProgram(`
      import { run } from 'genlet';
      await run(() => console.log(process.listenerCount('SIGINT')), { signals: true });
      console.log(process.listenerCount('SIGINT'), process.listenerCount('SIGTERM'));
    `);
    expect(lines).toEqual(['1', '0 0']);
  });
});

describe('daemons in real time', () => {
  it('keep the process alive while an ordinary greenlet waits for them', async () => {
    const { lines, exit } = await runProgram(`
      import { Queue, run, sleep, spawn } from 'genlet';
      await run(function* () {
        const queue = new Queue(null, ['a', 'b']);
        spawn(function* () {
          try {
            for (;;) {
              const item = yield* queue.get();
              yield* sleep(5);
              console.log(item);
              queue.taskDone();
            }
          } finally {
            console.log('ended');
          }
        }).daemon = true;
        console.log(yield* queue.join());
      });
    `);
    expect({ lines, exit }).toEqual({ lines: ['a', 'b', 'true', 'ended'], exit: 0 });
  });

  it('do not keep the hub busy for hub.join()', async () => {
    const { lines, exit } = await runProgram(`
      import { getHub, run, sleep, spawn } from 'genlet';
      await run(function* () {
        spawn(function* () { for (;;) yield* sleep(5); }).daemon = true;
        yield* sleep(1);
        console.log(yield* getHub().join({ timeout: 2000 }));
      });
    `);
    expect({ lines, exit }).toEqual({ lines: ['true'], exit: 0 });
  });
});

it('goes on when stderr can not be written', async () => {
  const { lines } = await runProgram(`
    import { getHub, run, sleep } from 'genlet';
    process.stderr.write = () => { throw new Error('writing failed'); };
    await run(function* () {
      getHub().callSoon(() => { throw new Error('nobody sees this'); });
      yield* sleep(1);
      console.log('on');
    });
  `);
  expect(lines).toEqual(['on']);
});

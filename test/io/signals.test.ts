/** Signals that the process sends itself; and what they do to a program, in one of its own. */
import { Event, run, sleep, spawn } from 'genlet';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { onSignal } from '../../src/io/signals.ts';
import { runProgram } from '../support/child.ts';
import { watchHub } from '../support/hub.ts';
import { errorsOf, eventually } from './support.ts';

const { takeReports } = watchHub();

let listeners = 0;
beforeEach(() => {
  listeners = process.listenerCount('SIGUSR2');
});
afterEach(() => {
  expect(process.listenerCount('SIGUSR2')).toBe(listeners);
});

const send = () => process.kill(process.pid, 'SIGUSR2');

describe('onSignal', () => {
  it('calls the function in a greenlet of its own at each delivery, until it is cancelled', () =>
    run(function* () {
      const events: string[] = [];
      const handle = onSignal('SIGUSR2', function* (name) {
        events.push(`begin ${name}`);
        yield* sleep(1);
        events.push('end');
      });
      for (const count of [2, 4]) {
        send();
        yield* eventually(() => events.length === count);
      }
      expect(events).toEqual(['begin SIGUSR2', 'end', 'begin SIGUSR2', 'end']);
      expect(handle.cancelled).toBe(false);
      using other = onSignal('SIGUSR2', () => events.push('other'));
      handle.cancel();
      handle.cancel();
      expect(handle.cancelled).toBe(true);
      send();
      yield* eventually(() => events.length === 5);
      expect(events[4]).toBe('other');
      expect(other.cancelled).toBe(false);
    }));

  it('takes several functions, in the order of their registration, with one listener', () =>
    run(function* () {
      const warnings: Error[] = [];
      const warn = (warning: Error) => void warnings.push(warning);
      process.on('warning', warn);
      const events: number[] = [];
      const handles = Array.from({ length: 20 }, (_, i) => onSignal('SIGUSR2', () => void events.push(i)));
      expect(process.listenerCount('SIGUSR2')).toBe(listeners + 1);
      send();
      yield* eventually(() => events.length === 20);
      expect(events).toEqual(handles.map((_, i) => i));
      for (const handle of handles) handle.cancel();
      yield* sleep(1);
      process.off('warning', warn);
      expect(warnings).toEqual([]);
    }));

  it('gives an error of the function to the hub, and stays', () =>
    run(function* () {
      let calls = 0;
      using handle = onSignal('SIGUSR2', () => {
        calls++;
        throw new Error(`call ${calls}`);
      });
      for (const count of [1, 2]) {
        send();
        yield* eventually(() => calls === count);
      }
      const reports = yield* spawn(takeReports);
      expect(reports.map(({ error }) => String(error))).toEqual(['Error: call 1', 'Error: call 2']);
      expect(handle.cancelled).toBe(false);
    }));

  it('wakes a greenlet by an event', () =>
    run(function* () {
      const reload = new Event();
      using handle = onSignal('SIGUSR2', () => reload.set());
      setImmediate(send);
      const alive = setTimeout(() => {}, 5000); // a signal alone does not keep the process alive
      expect(yield* reload.wait()).toBe(true);
      clearTimeout(alive);
      handle.cancel();
    }));

  it('checks its arguments', () => {
    const errors = errorsOf([
      () => onSignal('SIGNOT' as never, () => {}),
      () => onSignal(15 as never, () => {}),
      () => onSignal('SIGKILL', () => {}),
      () => onSignal('SIGSTOP', () => {}),
      () => onSignal('SIGUSR2', 1 as never),
    ]);
    expect(errors).toEqual([
      "RangeError: signal is 'SIGNOT': give the name of a signal, such as 'SIGHUP'",
      "RangeError: signal is 15: give the name of a signal, such as 'SIGHUP'",
      "RangeError: signal is 'SIGKILL': the system lets nobody handle that; give another, such as 'SIGTERM'",
      "RangeError: signal is 'SIGSTOP': the system lets nobody handle that; give another, such as 'SIGTERM'",
      'TypeError: onSignal() target is 1: give a coroutine function or a plain function',
    ]);
  });
});

describe('a program', () => {
  it('is ended by a signal only after the handle was cancelled, and not kept alive by one', {
    timeout: 20_000,
  }, async () => {
    const kept = await runProgram(
      `
      import { run, sleep } from 'genlet';
      import { onSignal } from './src/io/signals.js';
      await run(function* () {
        const handle = onSignal('SIGTERM', function* () {
          yield* sleep(1);
          handle.cancel();
          console.log('handled');
        });
        console.log('ready');
        yield* sleep(60_000);
      });`,
      { onLine: (_, kill) => kill('SIGTERM') },
    );
    expect([kept.lines, kept.exit]).toEqual([['ready', 'handled'], 'SIGTERM']);
    const ended = await runProgram(`
      import { onSignal } from './src/io/signals.js';
      onSignal('SIGTERM', () => {});
      console.log('nothing else to do');`);
    expect([ended.lines, ended.exit]).toEqual([['nothing else to do'], 0]);
  });
});

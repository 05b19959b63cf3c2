/** Each blocking call of child processes, struck at each of its suspension points; see `strikes.ts`. */
import { type Greenlet, type Operation, sleep, spawn, wait } from 'genlet';
import { checkOutput, Popen, type PopenOptions, runProcess } from 'genlet/io';
import { expect } from 'vitest';
import { StreamClosedError, TimeoutExpired } from '../../src/core/errors.ts';
import { watchHub } from '../support/hub.ts';
import { turn } from './census.ts';
import { children } from './popen-support.ts';
import { type Ending, type Row, strikeEverywhere } from './strikes.ts';
import { eventually } from './support.ts';

watchHub();

const resultOf = (ending: Ending): any => (typeof ending === 'object' && 'value' in ending ? ending.value : undefined);

/** A process that takes its end when its stdin is closed. */
const untilStdinEnds = (call: (popen: Popen<'utf8'>, timeout?: number) => Operation<unknown>, timed: boolean): Row =>
  function* () {
    const popen = yield* Popen.spawn(['cat'], { stdin: 'pipe', stdout: 'pipe', encoding: 'utf8' });
    return {
      call: (timeout) => call(popen, timeout),
      ...(timed && { timed: TimeoutExpired }),
      release: () => popen.stdin.close(),
      *check() {
        expect(yield* popen.wait(2000)).toBe(0);
        expect(yield* wait([popen])).toEqual([popen]);
      },
      end: () => popen[Symbol.dispose](),
    };
  };

/** A process that is started, by itself. */
const starting = (options: PopenOptions): Row =>
  function* () {
    const before = children().length;
    return {
      call: () => Popen.spawn(['sleep', '60'], options),
      check(ending) {
        const popen: Popen | undefined = resultOf(ending);
        expect(children().length - before).toBe(popen === undefined ? 0 : 1);
        return popen?.stop();
      },
      end: () => eventually(() => children().length === before),
    };
  };

/** A process that does not go on to read its stdin, which is full, until it is released. */
const writingStdin = (call: (popen: Popen, timeout?: number) => Operation<unknown>): Row =>
  function* () {
    const popen = yield* Popen.spawn(['wc', '-c'], { stdin: 'pipe', stdout: 'pipe' });
    popen.sendSignal('SIGSTOP');
    const filler = Buffer.alloc(1_000_000, 'x');
    const writer = spawn(() => popen.stdin.write(filler));
    for (let i = 0; i < 10; i++) yield* turn();
    yield* writer.kill();
    return {
      call: (timeout) => call(popen, timeout),
      timed: true,
      release: () => popen.sendSignal('SIGCONT'),
      *check() {
        if (!popen.stdin.ended) yield* popen.stdin.write('more');
        yield* popen.stdin.end();
        expect([0, 3, 4, 7].map((more) => `${filler.length + more}\n`)).toContain(
          String(yield* popen.stdout.readAll()),
        );
        expect(yield* popen.wait()).toBe(0);
      },
      close: () => popen.stdin.abort(),
      closedBy: StreamClosedError,
      end() {
        popen.sendSignal('SIGCONT');
        popen[Symbol.dispose]();
      },
    };
  };

/** A process that runs to its end; none is left whatever happens. */
const running = (call: () => Operation<unknown>, expected: string): Row =>
  function* () {
    const before = children().length;
    return {
      call,
      check(ending) {
        const value = resultOf(ending);
        if (value !== undefined) expect(String(value.stdout ?? value)).toBe(expected);
        expect(children().length).toBe(before);
      },
      end() {},
    };
  };

strikeEverywhere({
  'Popen.spawn()': starting({ stdin: 'pipe', stdout: 'pipe', stderr: 'pipe' }),
  'Popen.spawn() with one pipe for stdout and stderr': starting({ stdout: 'pipe', stderr: 'stdout' }),
  *'Popen.spawn() of nothing'() {
    return {
      *call() {
        try {
          yield* Popen.spawn(['/nowhere/there-is-no-such-program'], {
            stdin: 'pipe',
            stdout: 'pipe',
            stderr: 'stdout',
          });
        } catch (error: any) {
          if (error.code !== 'ENOENT') throw error;
        }
      },
      check() {},
      end() {},
    };
  },
  'Popen.wait()': untilStdinEnds((popen, timeout) => popen.wait(timeout), true),
  'wait() for a process': untilStdinEnds((popen) => wait([popen]), false),
  'Popen.communicate()': function* () {
    const popen = yield* Popen.spawn(['tr', 'a-z', 'A-Z'], { stdin: 'pipe', stdout: 'pipe', encoding: 'utf8' });
    let given = false;
    return {
      call() {
        given = true;
        return popen.communicate('text');
      },
      *check(ending) {
        const { stdout } = resultOf(ending) ?? (yield* popen.communicate(given && popen.stdin.ended ? null : 'text'));
        expect({ stdout, code: popen.returncode }).toEqual({ stdout: 'TEXT', code: 0 });
      },
      end: () => popen[Symbol.dispose](),
    };
  },
  *'Popen.communicate() with a process that goes on'() {
    const popen = yield* Popen.spawn(['sh', '-c', 'read line; echo "$line"; kill -STOP $$; echo end'], {
      stdin: 'pipe',
      stdout: 'pipe',
      encoding: 'utf8',
    });
    let pump: Greenlet<void> | undefined;
    return {
      call: (timeout) => popen.communicate(popen.stdin.ended ? null : 'text\n', timeout),
      timed: TimeoutExpired,
      release() {
        pump = spawn(function* () {
          for (; !popen.ready(); yield* sleep(1)) popen.sendSignal('SIGCONT');
        });
      },
      *check(ending) {
        const again = () => popen.communicate(popen.stdin.ended ? null : 'text\n');
        const { stdout } = resultOf(ending) ?? (yield* again());
        expect(stdout).toBe('text\nend\n');
        yield* pump!;
      },
      end: () => popen[Symbol.dispose](),
    };
  },
  *'Popen.stop()'() {
    const popen = yield* Popen.spawn(['sh', '-c', 'trap "" TERM; echo ready; exec sleep 60'], { stdout: 'pipe' });
    yield* popen.stdout.readline();
    return {
      call: () => popen.stop(10),
      *check() {
        yield* popen.stop(10); // a stop that was not begun
        expect(popen.returncode).toBe(-9);
      },
      end: () => popen[Symbol.dispose](),
    };
  },
  *'Popen.stdout.read()'() {
    const popen = yield* Popen.spawn(['cat'], { stdin: 'pipe', stdout: 'pipe', encoding: 'utf8' });
    return {
      call: (timeout) => popen.stdout.read(100, { timeout }),
      timed: true,
      release: () => popen.stdin.write('line\n'),
      *check(ending) {
        expect(resultOf(ending) ?? (yield* popen.stdout.read())).toBe('line\n');
        yield* popen.stdin.end();
        expect(yield* popen.stdout.readAll()).toBe('');
        expect(yield* popen.wait()).toBe(0);
      },
      close: () => popen.stdout.close(),
      closedBy: StreamClosedError,
      end: () => popen[Symbol.dispose](),
    };
  },
  'Popen.stdin.write()': writingStdin((popen, timeout) => popen.stdin.write('END', { timeout })),
  'Popen.stdin.flush()': writingStdin((popen, timeout) => popen.stdin.flush({ timeout })),
  'Popen.stdin.end()': writingStdin((popen, timeout) => popen.stdin.end({ timeout })),
  'runProcess()': running(
    () => runProcess(['tr', 'a-z', 'A-Z'], { input: 'text', captureOutput: true, encoding: 'utf8' }),
    'TEXT',
  ),
  'runProcess() of a stubborn process': running(
    () => runProcess(['sh', '-c', 'trap "" TERM; exec sleep 0.05'], { stdout: 'pipe', grace: 5 }),
    '',
  ),
  'checkOutput()': running(() => checkOutput(['echo', 'x'], { encoding: 'utf8' }), 'x\n'),
});

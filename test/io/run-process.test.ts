/** Whole runs of child processes, and that none is left whatever cuts them short. */
import { constants } from 'node:os';
import { all, run, sleep, spawn, Timeout, withTimeout } from 'genlet';
import { describe, expect, it } from 'vitest';
import { CalledProcessError, TimeoutExpired } from '../../src/core/errors.ts';
import { CompletedProcess, checkOutput, runProcess } from '../../src/io/run-process.ts';
import { watchHub } from '../support/hub.ts';
import { children, exists, watchProcesses } from './popen-support.ts';
import { errorsOf, eventually, thrown } from './support.ts';

watchHub();
watchProcesses();

const { SIGTERM, SIGKILL } = constants.signals;
const STUBBORN = ['sh', '-c', 'trap "" TERM; echo ready; while :; do sleep 0.01; done'];

describe('runProcess', () => {
  it('gives how the process ended', () =>
    run(function* () {
      const completed = yield* runProcess(['sh', '-c', 'exit 47']);
      expect(completed).toBeInstanceOf(CompletedProcess);
      expect(completed).toEqual({
        args: ['sh', '-c', 'exit 47'],
        returncode: 47,
        stdout: Buffer.alloc(0),
        stderr: Buffer.alloc(0),
      });
    }));

  it('gives it input and captures its output', () =>
    run(function* () {
      const args = ['sh', '-c', 'echo banana; tr a-z A-Z >&2'];
      const bytes = yield* runProcess(args, { input: 'pear', captureOutput: true });
      expect([bytes.stdout, bytes.stderr]).toEqual([Buffer.from('banana\n'), Buffer.from('PEAR')]);
      const text = yield* runProcess(args, { input: Buffer.from('pear'), captureOutput: true, encoding: 'utf8' });
      expect([text.stdout, text.stderr]).toEqual(['banana\n', 'PEAR']);
      const merged = yield* runProcess(args, { input: '', stdout: 'pipe', stderr: 'stdout', encoding: 'utf8' });
      expect([merged.stdout, merged.stderr]).toEqual(['banana\n', '']);
      const shell = yield* runProcess('exit $((40 + 2))', { shell: true });
      expect(shell.returncode).toBe(42);
    }));

  it('throws CalledProcessError with the output, if it is to check', () =>
    run(function* () {
      const args = ['sh', '-c', 'echo out; echo err >&2; exit 47'];
      const error = yield* thrown(runProcess(args, { check: true, captureOutput: true, encoding: 'utf8' }));
      expect(error).toBeInstanceOf(CalledProcessError);
      expect(error).toMatchObject({
        message: "sh -c 'echo out; echo err >&2; exit 47' ended with exit code 47",
        code: 'GENLET_CALLED_PROCESS',
        cmd: args,
        returncode: 47,
        stdout: 'out\n',
        stderr: 'err\n',
      });
      expect((yield* runProcess(['true'], { check: true })).returncode).toBe(0);
    }));

  it('names the signal that ended it', () =>
    run(function* () {
      const completed = yield* runProcess('kill -ABRT $$', { shell: true });
      expect(completed.returncode).toBe(-constants.signals.SIGABRT);
      expect(() => completed.checkReturncode()).toThrow(/^kill -ABRT \$\$ was ended by SIG(ABRT|IOT)$/);
      (yield* runProcess(['true'])).checkReturncode();
    }));

  it('throws what Popen.spawn throws', () =>
    run(function* () {
      expect((yield* thrown(runProcess(['no such program'], { captureOutput: true }))).code).toBe('ENOENT');
    }));

  it('throws TimeoutExpired with the output so far, when the process has ended', () =>
    run(function* () {
      const options = { timeout: 100, captureOutput: true, encoding: 'utf8' } as const;
      const begin = performance.now();
      const error = yield* thrown(runProcess('echo out; exec sleep 100', { ...options, shell: true }));
      expect(error).toBeInstanceOf(TimeoutExpired);
      expect(error).toMatchObject({ stdout: 'out\n', cmd: 'echo out; exec sleep 100', timeout: 100 });
      expect(children()).toEqual([]);
      expect(performance.now() - begin).toBeLessThan(1000);
    }));

  it('kills a process that does not listen, after the grace time, before the timeout is thrown', () =>
    run(function* () {
      const error = yield* thrown(runProcess(STUBBORN, { timeout: 100, grace: 20, captureOutput: true }));
      expect(error).toBeInstanceOf(TimeoutExpired);
      expect(String(error.stdout)).toBe('ready\n');
      expect(children()).toEqual([]);
    }));

  it('does not wait for a grandchild that holds the pipes when time is up, and closes them', () =>
    run(function* () {
      const script = 'while echo; do sleep 0.01; done & echo $! >&2; wait';
      const begin = performance.now();
      const error = yield* thrown(runProcess(script, { shell: true, timeout: 100, captureOutput: true }));
      expect(error).toBeInstanceOf(TimeoutExpired);
      expect(performance.now() - begin).toBeLessThan(5000);
      yield* eventually(() => !exists(Number(error.stderr))); // by SIGPIPE
    }));

  it('ends the process before a kill is over', () =>
    run(function* () {
      const victim = spawn(() => runProcess(['sleep', '100']));
      yield* eventually(() => children().length === 1);
      yield* victim.kill();
      expect(children()).toEqual([]);
      expect(victim.successful()).toBe(true);
    }));

  it('ends a stubborn process before a kill is over, and a second kill changes nothing', () =>
    run(function* () {
      const before = children();
      const victim = spawn(() => runProcess(STUBBORN, { stdout: 'pipe', grace: 50 }));
      yield* eventually(() => children().length > before.length);
      yield* sleep(50);
      const [pid] = children();
      void victim.kill();
      yield* sleep(5);
      void victim.kill();
      yield* sleep(5);
      expect([victim.dead, exists(pid!)]).toEqual([false, true]);
      yield* victim.join();
      expect(children()).toEqual([]);
    }));

  it('ends the process at a Timeout around it', () =>
    run(function* () {
      expect(yield* withTimeout(20, () => runProcess(['sleep', '100']), { value: 'late' })).toBe('late');
      expect(children()).toEqual([]);
      const error = yield* thrown(withTimeout(20, () => runProcess(['sleep', '100'], { timeout: 10_000 })));
      expect(error).toBeInstanceOf(Timeout);
    }));

  it('ends the processes that are not needed any more when one of several fails', () =>
    run(function* () {
      const failing = runProcess(['false'], { check: true });
      const error = yield* thrown(all([runProcess(['sleep', '100']), failing, runProcess(['sleep', '100'])]));
      expect(error).toBeInstanceOf(CalledProcessError);
      expect(children()).toEqual([]);
    }));

  it('leaves no process, wherever a kill comes', { timeout: 60_000 }, () =>
    run(function* () {
      let ended = false;
      for (let turns = 0; !ended; turns++) {
        const victim = spawn(() =>
          runProcess(['cat'], { input: 'x', stdout: 'pipe', stderr: 'stdout', encoding: 'utf8' }),
        );
        for (let turn = 0; turn < turns && !victim.dead; turn++) yield* sleep(0);
        ended = victim.dead;
        yield* victim.kill();
        expect(children()).toEqual([]);
      }
    }),
  );

  it('runs many at a time', () =>
    run(function* () {
      const runs = Array.from({ length: 20 }, (_, i) =>
        runProcess(['sh', '-c', `cat; exit ${i}`], { input: `${i}`, stdout: 'pipe', encoding: 'utf8' }),
      );
      const completed = yield* all(runs);
      expect(completed.map(({ returncode, stdout }) => `${returncode} ${stdout}`)).toEqual(
        completed.map((_, i) => `${i} ${i}`),
      );
    }));

  it('checks its arguments at the call', () => {
    const errors = errorsOf([
      () => runProcess('ls'),
      () => runProcess(['ls'], { input: 42 as never }),
      () => runProcess(['ls'], { timeout: -1 }),
      () => runProcess(['ls'], { grace: Number.NaN }),
      () => runProcess(['ls'], { input: '', stdin: 'ignore' }),
      () => runProcess(['ls'], { captureOutput: true, stderr: 'stdout' }),
      () => runProcess(['ls'], { captureOutput: true, stdout: 'pipe' }),
      () => checkOutput(['ls'], { encoding: 'utf9' as never }),
    ]);
    expect(errors).toEqual([
      "TypeError: args is 'ls': give an array of program and arguments, or shell: true",
      'TypeError: input is 42: give a string, a Buffer or a Uint8Array',
      'RangeError: timeout is -1: give milliseconds, 0 or more',
      'RangeError: grace is NaN: give milliseconds, 0 or more',
      'TypeError: stdin is ignore and there is input: give one of them',
      'TypeError: captureOutput is on, and stdout or stderr is given: give one of them',
      'TypeError: captureOutput is on, and stdout or stderr is given: give one of them',
      "TypeError: encoding is 'utf9': give 'utf8', 'latin1', …",
    ]);
  });
});

describe('checkOutput', () => {
  it('gives what was written to stdout', () =>
    run(function* () {
      expect(yield* checkOutput(['printf', 'BDFL'])).toEqual(Buffer.from('BDFL'));
      const text: string = yield* checkOutput(['tr', 'a', 'e'], { input: 'peach', encoding: 'utf8' });
      expect(text).toBe('peech');
      expect(String(yield* checkOutput('echo BDFL >&2', { shell: true, stderr: 'stdout' }))).toBe('BDFL\n');
    }));

  it('throws CalledProcessError and TimeoutExpired', () =>
    run(function* () {
      const error = yield* thrown(checkOutput('echo out; exit 44', { shell: true, encoding: 'utf8' }));
      expect(error).toBeInstanceOf(CalledProcessError);
      expect(error).toMatchObject({ returncode: 44, stdout: 'out\n' });
      const late = yield* thrown(checkOutput(['sh', '-c', 'echo out; exec sleep 100'], { timeout: 100 }));
      expect(late).toBeInstanceOf(TimeoutExpired);
      expect(String(late.stdout)).toBe('out\n');
    }));

  it('tells of the signals that ended it', () =>
    run(function* () {
      for (const [name, number] of [
        ['TERM', SIGTERM],
        ['KILL', SIGKILL],
      ] as const) {
        const error = yield* thrown(checkOutput(`kill -${name} $$`, { shell: true }));
        expect(error).toMatchObject({ returncode: -number, message: `kill -${name} $$ was ended by SIG${name}` });
      }
    }));
});

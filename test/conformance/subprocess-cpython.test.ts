/** The cases of CPython's test_subprocess that have a meaning here. */
import {
  closeSync,
  mkdtempSync,
  openSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Coroutine, InvalidStateError, run, sleep, spawn, TimeoutExpired, wait } from 'genlet';
import { checkOutput, Popen, runProcess } from 'genlet/io';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exists, watchProcesses } from '../io/popen-support.ts';
import { eventually, thrown } from '../io/support.ts';
import { watchHub } from '../support/hub.ts';

watchHub();
watchProcesses();

const sh = (script: string): string[] => ['sh', '-c', script];
const pipes = { stdin: 'pipe', stdout: 'pipe', stderr: 'pipe', encoding: 'utf8' } as const;

let folder = '';
beforeAll(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'genlet-subprocess-')));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** A descriptor of a new file, and what is in it in the end. */
function* withFile(main: (fd: number) => Coroutine<void>, content = ''): Coroutine<string> {
  const path = join(folder, 'file');
  writeFileSync(path, content);
  const fd = openSync(path, 'r+');
  try {
    yield* main(fd);
  } finally {
    closeSync(fd);
  }
  return readFileSync(path, 'utf8');
}

/** What a script prints, with options. */
const output = (script: string, options: Parameters<typeof checkOutput<'utf8'>>[1] = {}) =>
  checkOutput<'utf8'>(sh(script), { encoding: 'utf8', ...options });

describe('a program', () => {
  it('is run with its arguments, and its code is given', () =>
    run(function* () {
      expect((yield* runProcess(['sh', '-c', 'exit $1', 'sh', '47'])).returncode).toBe(47);
      expect(yield* checkOutput(['echo', 'a b', '$HOME', '*'], { encoding: 'utf8' })).toBe('a b $HOME *\n');
    }));

  it('is named whole or looked for in the path', () =>
    run(function* () {
      expect(yield* checkOutput(['/bin/echo', 'hi'], { encoding: 'utf8' })).toBe('hi\n');
      expect(yield* checkOutput(['echo', 'hi'], { encoding: 'utf8' })).toBe('hi\n');
    }));

  it('may lie in a folder with blanks', () =>
    run(function* () {
      const path = join(folder, 'te st');
      symlinkSync('/bin/echo', path);
      expect(yield* checkOutput([path, 'ab cd'], { encoding: 'utf8' })).toBe('ab cd\n');
      expect(yield* checkOutput(`'${path}' ab  cd`, { shell: true, encoding: 'utf8' })).toBe('ab cd\n');
    }));

  it('is refused if there is none, or if its arguments are none', () => {
    expect(() => Popen.spawn([])).toThrow(RangeError);
    expect(() => Popen.spawn('' as never, { shell: true })).toThrow(RangeError);
    expect(() => Popen.spawn('ls' as never)).toThrow(TypeError);
    expect(() => Popen.spawn(['ls'] as never, { shell: true })).toThrow(TypeError);
    expect(() => Popen.spawn(undefined as never)).toThrow(TypeError);
  });

  it('with a byte 0 in a name, an argument or the environment is refused', () =>
    run(function* () {
      expect(yield* thrown(Popen.spawn(['echo\0']))).toMatchObject({ code: 'ERR_INVALID_ARG_VALUE' });
      expect(yield* thrown(Popen.spawn(['echo', 'a\0b']))).toMatchObject({ code: 'ERR_INVALID_ARG_VALUE' });
      expect(yield* thrown(Popen.spawn(['echo'], { env: { 'A\0B': 'x' } }))).toMatchObject({ code: /ERR_INVALID/ });
    }));

  it('that is not there, or may not be run, is named by the error', () =>
    run(function* () {
      expect(yield* thrown(Popen.spawn(['/nonexisting/program']))).toMatchObject({
        code: 'ENOENT',
        path: '/nonexisting/program',
      });
      const path = join(folder, 'not-executable');
      writeFileSync(path, 'x', { mode: 0o600 });
      expect(yield* thrown(Popen.spawn([path], pipes))).toMatchObject({ code: 'EACCES', path });
      expect(yield* thrown(Popen.spawn(['/']))).toMatchObject({ code: 'EACCES' });
    }));

  it('of no known format is given to the shell', () =>
    run(function* () {
      const path = join(folder, 'no-format');
      writeFileSync(path, 'echo "a script without a first line"\n', { mode: 0o700 });
      expect(yield* checkOutput([path], { encoding: 'utf8' })).toBe('a script without a first line\n');
    }));

  it('may be a command line for the shell', () =>
    run(function* () {
      const env = { ...process.env, FRUIT: 'apple' };
      const popen = yield* Popen.spawn('echo $FRUIT; exit 3', { shell: true, stdout: 'pipe', env, encoding: 'utf8' });
      expect([(yield* popen.communicate()).stdout, popen.returncode]).toEqual(['apple\n', 3]);
    }));

  it('may be for a certain shell', () =>
    run(function* () {
      for (const shell of ['/bin/sh', '/bin/bash']) {
        expect(yield* checkOutput('echo $0', { shell, encoding: 'utf8' })).toBe(`${shell}\n`);
      }
    }));
});

describe('the folder', () => {
  it('is that which is given, as path or URL, or ours', () =>
    run(function* () {
      expect(yield* output('pwd -P')).toBe(`${realpathSync('.')}\n`);
      expect(yield* output('pwd -P', { cwd: folder })).toBe(`${folder}\n`);
      expect(yield* output('pwd -P', { cwd: pathToFileURL(folder) })).toBe(`${folder}\n`);
    }));

  it('that is not there is named by the error', () =>
    run(function* () {
      const cwd = '/some/nonexistent/directory';
      const error = yield* thrown(Popen.spawn(['true'], { cwd }));
      expect(error).toMatchObject({ code: 'ENOENT', path: cwd });
      expect(error.message).toContain(cwd);
    }));

  it('is where relative programs are looked for', () =>
    run(function* () {
      writeFileSync(join(folder, 'here'), '#!/bin/sh\necho here\n', { mode: 0o700 });
      expect(yield* checkOutput(['./here'], { cwd: folder, encoding: 'utf8' })).toBe('here\n');
      expect(yield* thrown(checkOutput(['./here'], { cwd: '/' }))).toMatchObject({ code: 'ENOENT' });
    }));
});

describe('the environment', () => {
  it('is all that is given', () =>
    run(function* () {
      const env = { PATH: process.env.PATH, FRUIT: 'orange' };
      expect(yield* output('echo $FRUIT:$HOME', { env })).toBe('orange:\n');
    }));

  it('may be empty', () =>
    run(function* () {
      expect(yield* checkOutput(['/usr/bin/env'], { env: {}, encoding: 'utf8' })).toBe('');
    }));

  it('may have any text', () =>
    run(function* () {
      const env = { PATH: process.env.PATH, FRUIT: '\u00e9\u0394=1\n2' };
      expect(yield* output('printf %s "$FRUIT"', { env })).toBe('\u00e9\u0394=1\n2');
    }));
});

describe('a standard stream', () => {
  it('that is no pipe says so', () =>
    run(function* () {
      const popen = yield* Popen.spawn(['true'], { stdin: 'ignore', stdout: 'ignore', stderr: 'ignore' });
      for (const name of ['stdin', 'stdout', 'stderr'] as const) expect(() => popen[name]).toThrow(InvalidStateError);
      yield* popen.wait();
    }));

  it('of input may be a pipe, a file or nothing', () =>
    run(function* () {
      using popen = yield* Popen.spawn(sh('read x; [ "$x" = pear ]'), { stdin: 'pipe' });
      yield* popen.stdin.write('pear');
      popen.stdin.close();
      expect(yield* popen.wait()).not.toBe(undefined);
      yield* withFile(function* (fd) {
        expect(yield* output('cat', { stdin: fd })).toBe('pear');
      }, 'pear');
      expect(yield* output('wc -c', { stdin: 'ignore' })).toMatch(/^ *0\n$/);
    }));

  it('of output may be a pipe', () =>
    run(function* () {
      const popen = yield* Popen.spawn(sh('printf orange'), { stdout: 'pipe', encoding: 'utf8' });
      expect(yield* popen.stdout.readAll()).toBe('orange');
      yield* popen.wait();
    }));

  it('of errors may be a pipe', () =>
    run(function* () {
      const popen = yield* Popen.spawn(sh('printf strawberry >&2'), { stderr: 'pipe', encoding: 'utf8' });
      expect(yield* popen.stderr.readAll()).toBe('strawberry');
      yield* popen.wait();
    }));

  it.each(['stdout', 'stderr'] as const)('%s may be a file', (name) =>
    run(function* () {
      const script = name === 'stdout' ? 'printf orange' : 'printf orange >&2';
      const content = yield* withFile(function* (fd) {
        yield* runProcess(sh(script), { [name]: fd });
      });
      expect(content).toBe('orange');
    }),
  );

  it('of errors may lead where that of output does: to a pipe, to a file', () =>
    run(function* () {
      const script = 'printf apple; printf orange >&2';
      expect(yield* output(script, { stderr: 'stdout' })).toBe('appleorange');
      const content = yield* withFile(function* (stdout) {
        yield* runProcess(sh(script), { stdout, stderr: 'stdout' });
      });
      expect(content).toBe('appleorange');
    }));

  it('may be the same file for all', () =>
    run(function* () {
      const content = yield* withFile(function* (fd) {
        yield* runProcess(sh('cat >/dev/null; printf out; printf err >&2'), { stdin: fd, stdout: fd, stderr: fd });
      }, 'in:');
      expect(content).toBe('in:outerr');
    }));

  it('that leads nowhere swallows all', () =>
    run(function* () {
      const popen = yield* Popen.spawn(sh('yes | head -c 1000000; yes | head -c 1000000 >&2'), {
        stdout: 'ignore',
        stderr: 'ignore',
      });
      expect(yield* popen.wait()).toBe(0);
    }));

  it('may be swapped with another: a process that gets our 2 as its 1', () =>
    run(function* () {
      const content = yield* withFile(function* (fd) {
        yield* runProcess(sh('printf one; printf two >&2'), { stdout: 'ignore', stderr: fd });
        yield* runProcess(sh('printf one; printf two >&2'), { stdout: fd, stderr: 'ignore' });
      });
      expect(content).toBe('twoone');
    }));

  it.each([-1, 1.5, 'nowhere', null, {}])('can not be %s', (wrong) => {
    for (const name of ['stdin', 'stdout', 'stderr']) {
      expect(() => Popen.spawn(['true'], { [name]: wrong })).toThrow(new RegExp(`${name} is`));
    }
  });

  it('that is a descriptor which is not open is refused, and leaves nothing', () =>
    run(function* () {
      const error = yield* thrown(Popen.spawn(['true'], { stdin: 'pipe', stdout: 9999 }));
      expect(error.code).toMatch(/EBADF|EINVAL/);
    }));
});

describe('communicate', () => {
  it('gives the input to a process without outputs', () =>
    run(function* () {
      const popen = yield* Popen.spawn(sh('[ "$(cat)" = pear ]'), { stdin: 'pipe' });
      yield* popen.communicate('pear');
      expect(popen.returncode).toBe(0);
    }));

  it('gives stdout, stderr or both', () =>
    run(function* () {
      const script = 'printf pineapple; printf orange >&2';
      const one = yield* Popen.spawn(sh(script), { stdout: 'pipe', stderr: 'ignore', encoding: 'utf8' });
      expect(yield* one.communicate()).toEqual({ stdout: 'pineapple', stderr: '' });
      const other = yield* Popen.spawn(sh(script), { stdout: 'ignore', stderr: 'pipe', encoding: 'utf8' });
      expect(yield* other.communicate()).toEqual({ stdout: '', stderr: 'orange' });
      const both = yield* Popen.spawn(sh(`cat; ${script}`), pipes);
      expect(yield* both.communicate('banana ')).toEqual({ stdout: 'banana pineapple', stderr: 'orange' });
    }));

  it('goes on after a timeout, with the same input', () =>
    run(function* () {
      const script = 'printf "pineapple\\n" >&2; sleep 0.1; printf "pear\\n" >&2; cat';
      const popen = yield* Popen.spawn(sh(script), pipes);
      const error = yield* thrown(popen.communicate('banana', 20));
      expect(error).toBeInstanceOf(TimeoutExpired);
      expect(yield* popen.communicate(null, 5000)).toEqual({ stdout: 'banana', stderr: 'pineapple\npear\n' });
    }));

  it('goes on after a timeout with much output', () =>
    run(function* () {
      const popen = yield* Popen.spawn(sh('for i in 1 2 3 4; do head -c 65536 /dev/zero; sleep 0.03; done'), {
        stdout: 'pipe',
      });
      expect(yield* thrown(popen.communicate(null, 40))).toBeInstanceOf(TimeoutExpired);
      expect((yield* popen.communicate(null, 5000)).stdout.length).toBe(4 * 65_536);
    }));

  it('leaves no pipe open, with any choice of them', () =>
    run(function* () {
      for (let choice = 0; choice < 8; choice++) {
        const at = (bit: number) => (choice & bit ? 'pipe' : 'ignore');
        const popen = yield* Popen.spawn(['true'], { stdin: at(1), stdout: at(2), stderr: at(4) });
        yield* popen.communicate();
        for (const [bit, name] of [
          [1, 'stdin'],
          [2, 'stdout'],
          [4, 'stderr'],
        ] as const) {
          if (choice & bit) expect(popen[name].closed).toBe(true);
        }
      }
    }));

  it('takes more in all pipes than they hold', () =>
    run(function* () {
      const size = 300_000;
      const popen = yield* Popen.spawn(sh(`head -c ${size} /dev/zero >&2; cat`), {
        stdin: 'pipe',
        stdout: 'pipe',
        stderr: 'pipe',
      });
      const { stdout, stderr } = yield* popen.communicate(Buffer.alloc(size, 'x'));
      expect([stdout.length, stderr.length]).toEqual([size, size]);
    }));

  it('follows what was written before', () =>
    run(function* () {
      const popen = yield* Popen.spawn(['cat'], pipes);
      yield* popen.stdin.write('banana');
      expect(yield* popen.communicate('split')).toEqual({ stdout: 'bananasplit', stderr: '' });
    }));

  it('does not mind that nobody reads the input', () =>
    run(function* () {
      const popen = yield* Popen.spawn(['true'], pipes);
      expect(yield* popen.communicate('x'.repeat(1_000_000))).toEqual({ stdout: '', stderr: '' });
      const only = yield* Popen.spawn(['true'], { stdin: 'pipe' });
      yield* sleep(20);
      yield* only.communicate('x'.repeat(1_000_000));
      expect(only.returncode).toBe(0);
    }));

  it('does not mind that the process closes its stdin', () =>
    run(function* () {
      const popen = yield* Popen.spawn(sh('exec <&-; echo out; sleep 0.05'), pipes);
      expect((yield* popen.communicate('x'.repeat(300_000), 5000)).stdout).toBe('out\n');
    }));

  it('gives what there is after the pipe was read to its end', () =>
    run(function* () {
      const popen = yield* Popen.spawn(['true'], { stdin: 'pipe', stdout: 'pipe', stderr: 'pipe', encoding: 'utf8' });
      expect(yield* popen.stdout.readAll()).toBe('');
      expect((yield* popen.communicate()).stdout).toBe('');
    }));

  it('can be called again when all is over', () =>
    run(function* () {
      const popen = yield* Popen.spawn(['echo', 'once'], { stdout: 'pipe', encoding: 'utf8' });
      expect((yield* popen.communicate()).stdout).toBe('once\n');
      expect((yield* popen.communicate()).stdout).toBe('once\n');
    }));

  it('is interrupted by an error that is thrown into its greenlet, and loses nothing', () =>
    run(function* () {
      class Alarm extends Error {}
      const popen = yield* Popen.spawn(sh('echo a; sleep 0.05; echo b'), { stdout: 'pipe', encoding: 'utf8' });
      const greenlet = spawn(() => popen.communicate());
      yield* sleep(20);
      yield* greenlet.kill(new Alarm());
      expect(yield* thrown(greenlet)).toBeInstanceOf(Alarm);
      expect((yield* popen.communicate()).stdout).toBe('a\nb\n');
    }));

  it('speaks text in several encodings', () =>
    run(function* () {
      for (const encoding of ['utf8', 'latin1', 'utf16le'] as const) {
        const popen = yield* Popen.spawn(['cat'], { stdin: 'pipe', stdout: 'pipe', encoding });
        expect((yield* popen.communicate('1\r\n2\u00e9')).stdout).toBe('1\r\n2\u00e9');
      }
    }));
});

describe('the end', () => {
  it('is not known until it is polled', () =>
    run(function* () {
      using popen = yield* Popen.spawn(['cat'], { stdin: 'pipe' });
      expect([popen.poll(), popen.returncode, popen.ready()]).toEqual([undefined, undefined, false]);
      popen.stdin.close();
      expect(yield* popen.wait()).toBe(0);
      expect([popen.poll(), popen.returncode, popen.ready()]).toEqual([0, 0, true]);
    }));

  it('can be waited for again and again', () =>
    run(function* () {
      const popen = yield* Popen.spawn(['true']);
      expect([yield* popen.wait(), yield* popen.wait(), yield* popen.wait(0)]).toEqual([0, 0, 0]);
    }));

  it('does not come in time: TimeoutExpired names command and limit', () =>
    run(function* () {
      using popen = yield* Popen.spawn(['sleep', '30']);
      const error = yield* thrown(popen.wait(5));
      expect(error).toMatchObject({ name: 'TimeoutExpired', cmd: ['sleep', '30'], timeout: 5 });
      expect(error.message).toContain('5 ms');
      expect(yield* thrown(popen.wait(0))).toBeInstanceOf(TimeoutExpired);
    }));

  it('can be waited for by many', () =>
    run(function* () {
      const popen = yield* Popen.spawn(sh('sleep 0.02; exit 7'));
      const waiters = Array.from({ length: 10 }, () => spawn(() => popen.wait()));
      yield* wait(waiters);
      expect(waiters.map(({ value }) => value)).toEqual(waiters.map(() => 7));
    }));

  it.each([
    ['SIGINT', 2],
    ['SIGKILL', 9],
    ['SIGTERM', 15],
  ] as const)('comes by %s, and the returncode tells it', (signal, number) =>
    run(function* () {
      const popen = yield* Popen.spawn(['sleep', '30']);
      popen.sendSignal(signal);
      expect(yield* popen.wait()).toBe(-number);
    }),
  );

  it('by terminate() and kill() is what they say, and nothing once it is dead', () =>
    run(function* () {
      for (const [end, code] of [
        ['terminate', -15],
        ['kill', -9],
      ] as const) {
        const popen = yield* Popen.spawn(['sleep', '30']);
        popen[end]();
        expect(yield* popen.wait()).toBe(code);
        popen.terminate();
        popen.kill();
        popen.sendSignal('SIGHUP');
        expect(popen.returncode).toBe(code);
      }
    }));

  it('reaps a process that ended before anybody looked, and one that was killed', () =>
    run(function* () {
      const quick = yield* Popen.spawn(['true']);
      const killed = yield* Popen.spawn(['sleep', '30']);
      killed.kill();
      yield* eventually(() => quick.ready() && killed.ready() && !exists(quick.pid) && !exists(killed.pid));
    }));

  it('by abort is told by the name of the signal', () =>
    run(function* () {
      const error = yield* thrown(checkOutput(sh('kill -ABRT $$')));
      expect([error.returncode, error.message]).toEqual([-6, expect.stringContaining('SIGABRT')]);
      const plain = yield* thrown(checkOutput(sh('exit 2')));
      expect(plain.message).toContain('exit code 2');
    }));

  it('of a stopped process comes when it goes on', () =>
    run(function* () {
      using popen = yield* Popen.spawn(sh('kill -STOP $$; exit 3'));
      expect(yield* thrown(popen.wait(30))).toBeInstanceOf(TimeoutExpired);
      popen.sendSignal('SIGCONT');
      expect(yield* popen.wait(5000)).toBe(3);
    }));

  it('of a session of its own comes too', () =>
    run(function* () {
      const popen = yield* Popen.spawn(['sh', '-c', 'ps -o sid= -p $$ || cut -d" " -f6 /proc/$$/stat'], {
        detached: true,
        stdout: 'pipe',
        encoding: 'utf8',
      });
      expect(Number((yield* popen.communicate()).stdout)).toBe(popen.pid);
    }));
});

describe('a scope', () => {
  it('closes the pipes of a process', () =>
    run(function* () {
      let popen: Popen;
      {
        using scoped = yield* Popen.spawn(sh('echo out; echo err >&2'), { stdout: 'pipe', stderr: 'pipe' });
        popen = scoped;
        expect(yield* popen.stdout.readline()).toBe('out');
        expect(yield* popen.stderr.readline()).toBe('err');
      }
      expect([popen.stdout.closed, popen.stderr.closed]).toEqual([true, true]);
      yield* popen.wait();
    }));

  it('does not change the code of a process that has ended', () =>
    run(function* () {
      let popen: Popen;
      {
        using scoped = yield* Popen.spawn(sh('exit 100'));
        popen = scoped;
        yield* popen.wait();
      }
      expect(popen.returncode).toBe(100);
    }));

  it('closes stdin, so that the process can end', () =>
    run(function* () {
      using popen = yield* Popen.spawn(sh('[ "$(cat)" = context ]'), { stdin: 'pipe' });
      yield* popen.communicate('context');
      expect(popen.returncode).toBe(0);
    }));

  it('does not fail over a broken pipe', () =>
    run(function* () {
      let popen: Popen;
      {
        using scoped = yield* Popen.spawn(['true'], { stdin: 'pipe' });
        popen = scoped;
        yield* popen.wait();
        expect(yield* thrown(popen.stdin.write('x'))).toMatchObject({ code: 'EPIPE' });
      }
      expect(popen.returncode).toBe(0);
    }));

  it('is not entered by a program that can not be started', () =>
    run(function* () {
      let entered = false;
      const error = yield* thrown(
        (function* () {
          using _popen = yield* Popen.spawn(['/nonexisting']);
          entered = true;
        })(),
      );
      expect([entered, error.code]).toEqual([false, 'ENOENT']);
    }));
});

describe('text', () => {
  it('shows the program and its number', () =>
    run(function* () {
      const popen = yield* Popen.spawn(['true']);
      expect(`${popen}`).toBe(`Popen true (${popen.pid})`);
      yield* popen.wait();
    }));

  it('of a long command is cut', () =>
    run(function* () {
      const popen = yield* Popen.spawn(`true ${'x'.repeat(500)}`, { shell: true });
      expect(`${popen}`.length).toBeLessThan(80);
      yield* popen.wait();
    }));
});

describe('checkOutput', () => {
  it('gives what was printed, in bytes or text', () =>
    run(function* () {
      expect(String(yield* checkOutput(['echo', 'BDFL']))).toBe('BDFL\n');
      expect(yield* output('echo BDFL')).toBe('BDFL\n');
    }));

  it('takes input, also an empty one', () =>
    run(function* () {
      expect(yield* output('tr a-z A-Z', { input: 'pear' })).toBe('PEAR');
      expect(yield* output('wc -c', { input: '' })).toMatch(/^ *0\n$/);
      expect(yield* output('cat; echo end', { stdin: 'ignore' })).toBe('end\n');
    }));

  it('can have errors in its output', () =>
    run(function* () {
      expect(yield* output('echo BDFL >&2', { stderr: 'stdout' })).toBe('BDFL\n');
    }));

  it('ends the process at its time limit, with the output so far', () =>
    run(function* () {
      const error = yield* thrown(output('echo BDFL; exec sleep 3600', { timeout: 300 }));
      expect(error).toMatchObject({ name: 'TimeoutExpired', stdout: 'BDFL\n' });
    }));

  it('refuses options that speak against each other', () => {
    expect(() => runProcess(['true'], { captureOutput: true, stdout: 'pipe' })).toThrow(/captureOutput/);
    expect(() => runProcess(['true'], { captureOutput: true, stderr: 'pipe' })).toThrow(/captureOutput/);
    expect(() => runProcess(['true'], { input: 'x', stdin: 'ignore' })).toThrow(/input/);
    expect(() => runProcess(['true'], { timeout: -1 })).toThrow(RangeError);
    expect(() => runProcess(['true'], { encoding: 'klingon' as never })).toThrow(/encoding/);
  });
});

describe('many processes', () => {
  it('can be run one after the other and leave nothing', () =>
    run(function* () {
      for (let i = 0; i < 60; i++) {
        const popen = yield* Popen.spawn(['true'], { stdin: 'pipe', stdout: 'pipe', stderr: 'pipe' });
        yield* popen.communicate('lots of stuff');
      }
    }));

  it('that can not be started leave nothing', () =>
    run(function* () {
      for (let i = 0; i < 60; i++) yield* thrown(Popen.spawn(['/nonexisting'], { ...pipes, stderr: 'stdout' }));
    }));

  it('do not hold the pipes of one another open', () =>
    run(function* () {
      const one = yield* Popen.spawn(['cat'], { stdin: 'pipe', stdout: 'pipe' });
      const other = yield* Popen.spawn(['cat'], { stdin: 'pipe', stdout: 'pipe' });
      one.stdin.close();
      expect(yield* one.wait(5000)).toBe(0); // it would not see its end if the other held the pipe
      other.stdin.close();
      expect(yield* other.wait(5000)).toBe(0);
      one[Symbol.dispose]();
      other[Symbol.dispose]();
    }));

  it('make a pipeline', () =>
    run(function* () {
      const cat = yield* Popen.spawn(['printf', 'b\\na\\nc\\n'], { stdout: 'pipe' });
      const sort = yield* Popen.spawn(['sort'], { stdin: 'pipe', stdout: 'pipe', encoding: 'utf8' });
      for (let piece: Buffer; (piece = yield* cat.stdout.read()).length > 0; ) yield* sort.stdin.write(piece);
      expect((yield* sort.communicate()).stdout).toBe('a\nb\nc\n');
      yield* cat.communicate();
    }));
});

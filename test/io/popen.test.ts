/** Child processes: real ones, and none of them left behind. */
import { closeSync, mkdtempSync, openSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Coroutine, InvalidStateError, iwait, run, sleep, spawn, Timeout, wait, withTimeout } from 'genlet';
import { describe, expect, it } from 'vitest';
import { StreamClosedError, TimeoutExpired } from '../../src/core/errors.ts';
import { Popen } from '../../src/io/popen.ts';
import type { PopenOptions } from '../../src/io/popen-options.ts';
import { virtually, watchHub } from '../support/hub.ts';
import { children, exists, watchProcesses } from './popen-support.ts';
import { errorsOf, eventually, thrown, untilBlocked } from './support.ts';

watchHub();
watchProcesses();

const { SIGHUP, SIGKILL, SIGTERM } = constants.signals;
const PIPES = { stdin: 'pipe', stdout: 'pipe', stderr: 'pipe', encoding: 'utf8' } as const;

const sh = <E extends BufferEncoding | undefined = undefined>(script: string, options: PopenOptions<E> = {}) =>
  Popen.spawn<E>(['sh', '-c', script], options);

describe('spawn', () => {
  it('starts a program, and wait gives its exit code', () =>
    run(function* () {
      const popen = yield* sh('exit 10');
      expect([popen.returncode, popen.poll(), popen.ready()]).toEqual([undefined, undefined, false]);
      expect(popen.pid).toBeGreaterThan(0);
      expect(popen.args).toEqual(['sh', '-c', 'exit 10']);
      expect(String(popen)).toBe(`Popen sh (${popen.pid})`);
      expect(yield* popen.wait()).toBe(10);
      expect([popen.returncode, popen.poll(), popen.ready()]).toEqual([10, 10, true]);
      expect(yield* popen.wait(0)).toBe(10);
    }));

  it('is lazy', () =>
    run(function* () {
      const made = sh('exit 1');
      yield* sleep(0);
      expect(children()).toEqual([]);
      expect(yield* (yield* made).wait()).toBe(1);
    }));

  it('throws at once if there is no such program, with the stack of the coroutine', () =>
    run(function* () {
      for (const pipe of ['pipe', 'ignore'] as const) {
        const error = yield* thrown(Popen.spawn(['no such program', 'x'], { stdin: pipe, stdout: pipe, stderr: pipe }));
        expect(error).toMatchObject({
          code: 'ENOENT',
          path: 'no such program',
          spawnargs: ['x'],
          message: 'spawn no such program ENOENT',
        });
        expect(error.stack).toContain('support.ts');
      }
    }));

  it('says that it is the folder which is not there', () =>
    run(function* () {
      const error = yield* thrown(Popen.spawn(['true'], { cwd: '/no/such/folder' }));
      expect(error).toMatchObject({ code: 'ENOENT', path: '/no/such/folder' });
      expect(error.message).toBe("spawn true ENOENT: there is no folder '/no/such/folder' to run it in");
      const other = yield* thrown(Popen.spawn(['no such program'], { cwd: '/' }));
      expect(other.message).toBe('spawn no such program ENOENT');
    }));

  it('throws the other errors of the system', () =>
    run(function* () {
      expect((yield* thrown(Popen.spawn(['/etc/passwd']))).code).toBe('EACCES');
      expect((yield* thrown(Popen.spawn(['true', 'x'.repeat(4_000_000)]))).code).toBe('E2BIG');
      const merged = yield* thrown(Popen.spawn(['no such program'], { stdout: 'pipe', stderr: 'stdout' }));
      expect(merged.code).toBe('ENOENT');
    }));

  it('passes a kill that is pending when the program is not there', () =>
    run(function* () {
      const victim = spawn(function* () {
        void victim.kill();
        return yield* Popen.spawn(['no such program']);
      });
      yield* victim.join();
      expect(victim.successful()).toBe(true);
    }));

  it('takes a command line for the shell', () =>
    run(function* () {
      const plain = yield* Popen.spawn('echo $((6 * 7)) | tr 2 3', { ...PIPES, shell: true });
      expect((yield* plain.communicate()).stdout).toBe('43\n');
      const named = yield* Popen.spawn('echo $BASH', { ...PIPES, shell: '/bin/bash' });
      expect((yield* named.communicate()).stdout).toBe('/bin/bash\n');
      expect(String(named)).toBe(`Popen echo $BASH (${named.pid})`);
    }));

  it('gives it arguments without a shell in between', () =>
    run(function* () {
      const popen = yield* Popen.spawn(['printf', '%s|', 'a b', '$HOME', "it's", ''], PIPES);
      expect((yield* popen.communicate()).stdout).toBe("a b|$HOME|it's||");
    }));

  it('sets the folder and the whole environment', () =>
    run(function* () {
      const folder = realpathSync(tmpdir());
      for (const cwd of [folder, pathToFileURL(folder)]) {
        const popen = yield* sh('pwd', { ...PIPES, cwd });
        expect((yield* popen.communicate()).stdout).toBe(`${folder}\n`);
      }
      const popen = yield* Popen.spawn(['/usr/bin/env'], { ...PIPES, env: { FRUIT: 'orange', NONE: undefined } });
      expect((yield* popen.communicate()).stdout).toBe('FRUIT=orange\n');
    }));

  it('checks its arguments at the call', () => {
    const errors = errorsOf([
      () => Popen.spawn('ls -l'),
      () => Popen.spawn(['ls'], { shell: true }),
      () => Popen.spawn([]),
      () => Popen.spawn('', { shell: true }),
      () => Popen.spawn(['ls'], { stdin: 'stdout' as never }),
      () => Popen.spawn(['ls'], { stdout: -1 }),
      () => Popen.spawn(['ls'], { stderr: {} as never }),
      () => Popen.spawn(['ls'], { encoding: 'utf9' as never }),
      () => new (Popen as any)(['ls']),
    ]);
    expect(errors).toEqual([
      "TypeError: args is 'ls -l': give an array of program and arguments, or shell: true",
      "TypeError: args is [ 'ls' ]: give a command line for the shell",
      'RangeError: args is []: give at least the program',
      "RangeError: args is '': give at least the program",
      "TypeError: stdin is 'stdout': give 'pipe', 'inherit', 'ignore' or an open descriptor",
      "TypeError: stdout is -1: give 'pipe', 'inherit', 'ignore' or an open descriptor",
      "TypeError: stderr is {}: give 'pipe', 'inherit', 'ignore' or an open descriptor, or 'stdout'",
      "TypeError: encoding is 'utf9': give 'utf8', 'latin1', …",
      'TypeError: new Popen() starts nothing: write yield* Popen.spawn(args, options)',
    ]);
  });
});

describe('the pipes', () => {
  it('are a Writer and two Readers, of bytes or of text', () =>
    run(function* () {
      using popen = yield* sh('read line; echo "out $line"; echo "err $line" >&2', { ...PIPES, encoding: undefined });
      yield* popen.stdin.write('hello\n');
      expect(yield* popen.stdout.readline()).toBe('out hello');
      expect(yield* popen.stderr.read()).toEqual(Buffer.from('err hello\n'));
      expect(yield* popen.stdout.read()).toEqual(Buffer.alloc(0));
      yield* popen.wait();
      using text = yield* sh('printf é', PIPES);
      const all: string = yield* text.stdout.readAll();
      expect(all).toBe('é');
    }));

  it('that are none say so', () =>
    run(function* () {
      const popen = yield* sh('exit 0', { stdin: 'ignore', stdout: 'ignore', stderr: 'ignore' });
      for (const name of ['stdin', 'stdout', 'stderr'] as const) {
        expect(() => popen[name]).toThrow(
          new InvalidStateError(`${popen} has no pipe at ${name}: start it with ${name}: 'pipe'`),
        );
      }
      yield* popen.wait();
    }));

  it('may be a file', () =>
    run(function* () {
      const folder = mkdtempSync(join(tmpdir(), 'genlet-'));
      const path = join(folder, 'file');
      const file = openSync(path, 'w+');
      yield* (yield* sh('echo out; echo err >&2', { stdout: file, stderr: 'stdout' })).wait();
      expect(readFileSync(path, 'utf8')).toBe('out\nerr\n');
      const input = openSync(path, 'r');
      const cat = yield* Popen.spawn(['cat'], { ...PIPES, stdin: input });
      expect((yield* cat.communicate()).stdout).toBe('out\nerr\n');
      closeSync(file);
      closeSync(input);
      rmSync(folder, { recursive: true });
    }));

  it('may be one for stdout and stderr, in the order in which it is written', () =>
    run(function* () {
      const script = 'for i in 1 2 3 4 5; do echo out $i; echo err $i >&2; done';
      const popen = yield* sh(script, { ...PIPES, stderr: 'stdout' });
      const { stdout, stderr } = yield* popen.communicate();
      expect(stdout).toBe([1, 2, 3, 4, 5].map((i) => `out ${i}\nerr ${i}\n`).join(''));
      expect(stderr).toBe('');
      expect(() => popen.stderr).toThrow(InvalidStateError);
      const nothing = yield* sh('echo out; echo err >&2', { stdout: 'ignore', stderr: 'stdout' });
      expect(yield* nothing.wait()).toBe(0);
    }));

  it('leave nothing when a kill comes while stdout and stderr are joined', () =>
    run(function* () {
      for (let turns = 0; turns < 6; turns++) {
        const victim = spawn(function* () {
          using popen = yield* sh('exit 0', { stdout: 'pipe', stderr: 'stdout' });
          yield* popen.wait();
        });
        for (let turn = 0; turn < turns; turn++) yield* sleep(0);
        yield* victim.kill();
      }
    }));

  it('lead to our own stdout and stderr by default, and our stdin', () =>
    run(function* () {
      const source = `
        import { run } from 'genlet';
        import { Popen } from './src/io/popen.ts';
        await run(function* () {
          const popen = yield* Popen.spawn(['sh', '-c', 'cat; echo err >&2'], { stderr: 'stdout' });
          console.log(yield* popen.wait());
        });`;
      const program = yield* Popen.spawn(['node', '--import', 'tsx', '--input-type=module', '--eval', source], PIPES);
      expect(yield* program.communicate('in\n')).toEqual({ stdout: 'in\nerr\n0\n', stderr: '' });
    }));

  it('throw EPIPE at who writes to a process that has ended or does not read any more', () =>
    run(function* () {
      using popen = yield* sh('exec <&-; echo closed; sleep 100', PIPES);
      yield* popen.stdout.readline();
      const error = yield* thrown(
        (function* () {
          for (;;) yield* popen.stdin.write('x'.repeat(100_000));
        })(),
      );
      expect(error.code).toBe('EPIPE');
      using other = yield* sh('read line; exit 0', PIPES);
      const writing = spawn(() => thrown(other.stdin.write('line\n'.repeat(1_000_000))));
      expect(yield* other.wait()).toBe(0);
      expect(['EPIPE', 'ECONNRESET']).toContain((yield* writing).code);
    }));

  it('hold a writer up that the process does not keep up with', () =>
    run(function* () {
      using popen = yield* Popen.spawn(['sleep', '100'], { ...PIPES });
      let written = 0;
      const writer = spawn(function* () {
        for (;;) {
          yield* popen.stdin.write(Buffer.alloc(16_384));
          written += 16_384;
        }
      });
      yield* sleep(50);
      expect(written).toBeLessThan(2_000_000);
      yield* writer.kill();
    }));

  it('hold the process up when nobody reads, also one that its child has started', () =>
    run(function* () {
      using popen = yield* sh('yes & echo $!', PIPES);
      const pid = Number(yield* popen.stdout.readline());
      expect(yield* popen.wait()).toBe(0);
      yield* sleep(50); // Node pulls at the pipes of a process that has ended
      expect(popen.stdout.unread().length).toBeLessThan(300_000);
      popen.stdout.close();
      yield* eventually(() => !exists(pid)); // SIGPIPE
    }));
});

describe('wait', () => {
  it('throws TimeoutExpired in time, and can be called again', () =>
    run(function* () {
      using popen = yield* Popen.spawn(['sleep', '100']);
      for (const timeout of [0, 10]) {
        const error = yield* thrown(popen.wait(timeout));
        expect(error).toBeInstanceOf(TimeoutExpired);
        expect(error).toMatchObject({
          message: `sleep 100 did not end within ${timeout} ms`,
          code: 'GENLET_TIMEOUT_EXPIRED',
          cmd: ['sleep', '100'],
          timeout,
          stdout: Buffer.alloc(0),
        });
      }
      expect(() => popen.wait(-1)).toThrow('timeout is -1: give milliseconds, 0 or more');
      popen.kill();
      expect(yield* popen.wait(5000)).toBe(-SIGKILL);
    }));

  it('leaves the process alone when it is killed, or by a Timeout around it', () =>
    run(function* () {
      const popen = yield* Popen.spawn(['cat'], PIPES);
      const waiter = spawn(() => popen.wait());
      yield* untilBlocked(waiter);
      yield* waiter.kill();
      expect(yield* withTimeout(5, () => popen.wait(), { value: 'late' })).toBe('late');
      const error = yield* thrown(withTimeout(5, () => popen.wait(10_000)));
      expect(error).toBeInstanceOf(Timeout);
      yield* popen.stdin.end();
      expect(yield* popen.wait()).toBe(0);
      popen[Symbol.dispose]();
    }));

  it('wakes all who wait, and the links, in the order of their calls', () =>
    run(function* () {
      using popen = yield* Popen.spawn(['cat'], PIPES);
      const events: unknown[] = [];
      const waiter = (name: string) =>
        spawn(function* () {
          events.push([name, yield* popen.wait()]);
        });
      const dropped = () => void events.push('never');
      const first = waiter('first');
      yield* sleep(0);
      popen.rawlink((source) => events.push(['link', source === popen, source.returncode]));
      popen.rawlink(dropped);
      popen.unlink(dropped);
      popen.unlink(dropped);
      const second = waiter('second');
      yield* sleep(0);
      popen.stdin.close();
      yield* first;
      yield* second;
      popen.rawlink(() => events.push('afterwards'));
      popen.rawlink(dropped);
      popen.unlink(dropped);
      yield* sleep(0);
      expect(events).toEqual([['link', true, 0], ['first', 0], ['second', 0], 'afterwards']);
      expect(() => popen.rawlink(42 as never)).toThrow('link is 42: give a plain function');
    }));

  it('is one for many, in the order of their ends', () =>
    run(function* () {
      const slow = yield* Popen.spawn(['cat'], PIPES);
      const quick = yield* Popen.spawn(['true']);
      expect(yield* wait([slow, quick], { count: 1 })).toEqual([quick]);
      expect(yield* wait([slow], { timeout: 5 })).toEqual([]);
      using ready = iwait([slow, quick]);
      expect((yield* ready.next()).value).toBe(quick);
      slow.stdin.close();
      expect((yield* ready.next()).value).toBe(slow);
      expect((yield* ready.next()).done).toBe(true);
      expect([slow.poll(), quick.poll()]).toEqual([0, 0]);
      slow[Symbol.dispose]();
    }));

  it('keeps a virtual clock from running ahead', () =>
    virtually(function* () {
      const popen = yield* Popen.spawn(['true']);
      expect(yield* popen.wait(3_600_000)).toBe(0);
      const other = yield* Popen.spawn(['true']);
      expect(yield* wait([other], { timeout: 3_600_000 })).toEqual([other]);
    }));
});

describe('signals', () => {
  it('end it, and the returncode tells which', () =>
    run(function* () {
      const ways: ((popen: Popen) => void)[] = [
        (popen) => popen.terminate(),
        (popen) => popen.kill(),
        (popen) => popen.sendSignal('SIGHUP'),
        (popen) => popen.sendSignal(SIGHUP),
      ];
      const codes: number[] = [];
      for (const end of ways) {
        const popen = yield* Popen.spawn(['sleep', '100']);
        end(popen);
        codes.push(yield* popen.wait());
      }
      expect(codes).toEqual([-SIGTERM, -SIGKILL, -SIGHUP, -SIGHUP]);
    }));

  it('are nothing to a process that has ended', () =>
    run(function* () {
      const popen = yield* Popen.spawn(['true']);
      yield* popen.wait();
      popen.terminate();
      popen.kill();
      popen.sendSignal('SIGHUP');
      expect(popen.returncode).toBe(0);
    }));

  it('that there are not are refused', () =>
    run(function* () {
      using popen = yield* Popen.spawn(['sleep', '100']);
      expect(() => popen.sendSignal('SIGNOT' as never)).toThrow('Unknown signal: SIGNOT');
      for (let i = 0; i < 20; i++) popen.sendSignal(0);
      expect(popen.returncode).toBeUndefined();
    }));
});

describe('communicate', () => {
  it('gives input, and takes both outputs and the end', () =>
    run(function* () {
      const script = 'printf pineapple >&2; cat; exit 3';
      const popen = yield* sh(script, { ...PIPES, encoding: undefined });
      expect(yield* popen.communicate('banana')).toEqual({
        stdout: Buffer.from('banana'),
        stderr: Buffer.from('pineapple'),
      });
      expect(popen.returncode).toBe(3);
      expect([popen.stdin.closed, popen.stdout.closed, popen.stderr.closed]).toEqual([true, true, true]);
      expect(yield* thrown(popen.stdout.read())).toBeInstanceOf(StreamClosedError);
      expect((yield* popen.communicate()).stdout).toEqual(Buffer.from('banana'));
    }));

  it('takes text by the encoding, both ways', () =>
    run(function* () {
      const cat = yield* Popen.spawn(['cat'], { ...PIPES, encoding: 'latin1' });
      expect((yield* cat.communicate('é\r\n')).stdout).toBe('é\r\n');
      const od = yield* Popen.spawn(['od', '-An', '-tx1'], { ...PIPES, encoding: 'latin1' });
      expect((yield* od.communicate('é')).stdout.trim()).toBe('e9');
    }));

  it('works with any choice of pipes, and closes stdin without input', () =>
    run(function* () {
      for (const stdin of ['pipe', 'ignore'] as const) {
        for (const stdout of ['pipe', 'ignore'] as const) {
          for (const stderr of ['pipe', 'ignore'] as const) {
            const popen = yield* sh('cat; echo out; echo err >&2', { stdin, stdout, stderr, encoding: 'utf8' });
            expect(yield* popen.communicate()).toEqual({
              stdout: stdout === 'pipe' ? 'out\n' : '',
              stderr: stderr === 'pipe' ? 'err\n' : '',
            });
          }
        }
      }
    }));

  it('does not get stuck, however much goes each way', () =>
    run(function* () {
      const input = Buffer.alloc(3_000_000, 'abc');
      const script = 'head -c 47; head -c 2000000 /dev/zero >&2; cat';
      const popen = yield* sh(script, { ...PIPES, encoding: undefined });
      const { stdout, stderr } = yield* popen.communicate(input);
      expect([stdout.equals(input), stderr.length]).toEqual([true, 2_000_000]);
    }));

  it('goes on after what was written and read before', () =>
    run(function* () {
      const popen = yield* Popen.spawn(['cat'], PIPES);
      yield* popen.stdin.write('ba');
      yield* popen.stdin.write('nana');
      expect(yield* popen.stdout.read(1)).toBe('b');
      expect((yield* popen.communicate('split')).stdout).toBe('ananasplit');
    }));

  it('does not mind a process that does not read its input', () =>
    run(function* () {
      for (const script of ['exit 0', 'exec <&-; sleep 0.1; echo out', 'head -c 1 >&2']) {
        const popen = yield* sh(script, PIPES);
        const { stdout } = yield* popen.communicate('x'.repeat(1_000_000));
        expect([popen.returncode, stdout]).toEqual([0, script.includes('echo') ? 'out\n' : '']);
      }
    }));

  it('throws TimeoutExpired with the output so far, and goes on when it is called again', () =>
    run(function* () {
      const slow = yield* sh('echo pineapple >&2; printf a; sleep 0.3; echo pear >&2; cat', PIPES);
      const error = yield* thrown(slow.communicate('banana', 100));
      expect(error).toBeInstanceOf(TimeoutExpired);
      expect(error).toMatchObject({ stdout: 'a', stderr: 'pineapple\n', timeout: 100 });
      expect(error.message).toMatch(/^sh -c 'echo pineapple.*' did not end within 100 ms$/);
      const again = yield* thrown(slow.communicate('more'));
      expect(again).toBeInstanceOf(InvalidStateError);
      expect(again.message).toBe(`${slow} has its input already: communicate() without one`);
      expect(yield* slow.communicate(null, 5000)).toEqual({ stdout: 'abanana', stderr: 'pineapple\npear\n' });
    }));

  it('loses nothing of much output over many time limits', () =>
    run(function* () {
      const script = 'for i in 1 2 3 4 5 6 7 8; do head -c 100000 /dev/zero | tr "\\0" $i; sleep 0.02; done';
      const popen = yield* sh(script, PIPES);
      let timeouts = 0;
      for (;;) {
        try {
          const { stdout } = yield* popen.communicate(undefined, 15);
          const expected = [1, 2, 3, 4, 5, 6, 7, 8].map((i) => String(i).repeat(100_000)).join('');
          expect(stdout === expected).toBe(true);
          break;
        } catch (error) {
          if (!(error instanceof TimeoutExpired)) throw error;
          timeouts++;
        }
      }
      expect(timeouts).toBeGreaterThan(2);
    }));

  it('keeps an output that is over when the time limit comes', () =>
    run(function* () {
      const popen = yield* sh('echo out; exec >&-; sleep 0.2; echo err >&2', PIPES);
      const error = yield* thrown(popen.communicate(undefined, 100));
      expect(error).toMatchObject({ stdout: 'out\n', stderr: '' });
      expect(yield* popen.communicate()).toEqual({ stdout: 'out\n', stderr: 'err\n' });
    }));

  it('can be called again after a kill', () =>
    run(function* () {
      const popen = yield* sh('cat; sleep 0.1; echo end', PIPES);
      const victim = spawn(() => popen.communicate('in\n'));
      yield* untilBlocked(victim);
      yield* sleep(20);
      yield* victim.kill();
      expect(popen.returncode).toBeUndefined();
      expect((yield* popen.communicate()).stdout).toBe('in\nend\n');
    }));

  it('waits for a pipe that a grandchild holds, as long as it is given', () =>
    run(function* () {
      using popen = yield* sh('sleep 100 & echo $!', PIPES);
      const error = yield* thrown(popen.communicate(undefined, 200));
      expect(error).toBeInstanceOf(TimeoutExpired);
      expect(popen.returncode).toBe(0);
      process.kill(Number(error.stdout), 'SIGKILL');
      yield* popen.communicate();
    }));

  it('refuses input that can not be given', () =>
    run(function* () {
      const none = yield* Popen.spawn(['true']);
      expect((yield* thrown(none.communicate('x'))).message).toBe(
        `${none} has no pipe at stdin: start it with stdin: 'pipe'`,
      );
      yield* none.communicate();
      for (const close of [true, false]) {
        const cat = yield* Popen.spawn(['cat'], PIPES);
        if (close) cat.stdin.close();
        else yield* cat.stdin.end();
        expect((yield* thrown(cat.communicate('x'))).message).toBe(
          `${cat} had its stdin closed: it can't be given input`,
        );
        yield* cat.communicate();
      }
      const popen = yield* Popen.spawn(['true']);
      expect(() => popen.communicate(42 as never)).toThrow('input is 42: give a string, a Buffer or a Uint8Array');
      expect(() => popen.communicate('', -1)).toThrow('timeout is -1');
      yield* popen.wait();
    }));
});

describe('the end of a scope', () => {
  it('closes the pipes and ends the process', () =>
    run(function* () {
      let popen: Popen<'utf8'>;
      {
        using scoped = yield* Popen.spawn(['sleep', '100'], PIPES);
        popen = scoped;
      }
      expect([popen.stdin.closed, popen.stdout.closed, popen.stderr.closed]).toEqual([true, true, true]);
      expect(yield* popen.wait()).toBe(-SIGTERM);
    }));

  it('leaves a returncode that is there alone', () =>
    run(function* () {
      using popen = yield* Popen.spawn(['cat'], PIPES);
      yield* popen.communicate();
      popen[Symbol.dispose]();
      expect(popen.returncode).toBe(0);
    }));

  it('comes to a greenlet that is killed, too', () =>
    run(function* () {
      let popen: Popen<any> | undefined;
      const victim = spawn(function* () {
        using scoped = yield* Popen.spawn(['sleep', '100'], PIPES);
        popen = scoped;
        yield* scoped.communicate();
      });
      yield* eventually(() => popen !== undefined);
      yield* victim.kill();
      expect(yield* popen!.wait()).toBe(-SIGTERM);
    }));

  it('kills what does not listen to SIGTERM, within a second', () =>
    run(function* () {
      let popen: Popen<any>;
      {
        using stubborn = yield* sh('trap "" TERM; echo ready; while :; do sleep 0.01; done', PIPES);
        yield* stubborn.stdout.readline();
        popen = stubborn;
      }
      const begin = performance.now();
      expect(yield* popen.wait()).toBe(-SIGKILL);
      expect(performance.now() - begin).toBeGreaterThan(900);
    }));
});

describe('stop', () => {
  const stubborn = function* (): Coroutine<Popen<'utf8'>> {
    const popen = yield* sh('trap "" TERM; echo ready; while :; do sleep 0.01; done', PIPES);
    yield* popen.stdout.readline();
    return popen;
  };

  it('ends the process and waits for that', () =>
    run(function* () {
      const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
      const popen = yield* Popen.spawn(['sleep', '100']);
      const before = timers();
      yield* popen.stop();
      expect(popen.returncode).toBe(-SIGTERM);
      yield* popen.stop();
      expect(timers()).toBe(before);
    }));

  it('kills a process that does not listen, after the grace time', () =>
    run(function* () {
      using popen = yield* stubborn();
      const begin = performance.now();
      yield* popen.stop(30);
      expect(popen.returncode).toBe(-SIGKILL);
      expect(performance.now() - begin).toBeGreaterThan(25);
      expect(() => popen.stop(-1)).toThrow('grace is -1');
    }));

  it('is not cut short by a kill or a timeout', () =>
    run(function* () {
      using popen = yield* stubborn();
      const stopping = spawn(() => popen.stop(30));
      yield* untilBlocked(stopping);
      yield* stopping.kill();
      expect(popen.returncode).toBe(-SIGKILL);
      using other = yield* stubborn();
      expect(yield* withTimeout(5, () => other.stop(30), { value: 'late' })).toBe('late');
      expect(other.returncode).toBe(-SIGKILL);
    }));

  it('lets a process end that is stopped', () =>
    run(function* () {
      const popen = yield* Popen.spawn(['sleep', '100']);
      popen.sendSignal('SIGSTOP');
      yield* eventually(() => readFileSync(`/proc/${popen.pid}/stat`, 'utf8').includes(') T '));
      yield* popen.stop(20);
      expect(popen.returncode).toBe(-SIGKILL);
    }));
});

describe('detached', () => {
  it('does not keep this process alive, unless somebody waits', () =>
    run(function* () {
      const source = (rest: string) => `
        import { run } from 'genlet';
        import { Popen } from './src/io/popen.ts';
        await run(function* () {
          const popen = yield* Popen.spawn(['sleep', '1'], { stdin: 'ignore', stdout: 'ignore', stderr: 'ignore', detached: true });
          console.log(popen.pid);
          ${rest}
        });`;
      const start = (rest: string) =>
        Popen.spawn(['node', '--import', 'tsx', '--input-type=module', '--eval', source(rest)], PIPES);
      const leaving = yield* start('');
      const waiting = yield* start('console.log(yield* popen.wait())');
      const pid = Number((yield* leaving.communicate()).stdout);
      expect(exists(pid)).toBe(true);
      process.kill(pid, 'SIGKILL');
      const { stdout } = yield* waiting.communicate();
      expect(stdout.split('\n')[1]).toBe('0');
    }));
});

describe('1 GiB', () => {
  it('goes through cat in bounded memory', { timeout: 60_000 }, () =>
    run(function* () {
      const size = 2 ** 30;
      using cat = yield* Popen.spawn(['cat'], { stdin: 'pipe', stdout: 'pipe' });
      const part = Buffer.alloc(65_536, 'x');
      const writer = spawn(function* () {
        for (let sent = 0; sent < size; sent += part.length) yield* cat.stdin.write(part);
        yield* cat.stdin.end();
      });
      const before = process.memoryUsage().rss;
      let received = 0;
      let most = 0;
      for (let bytes: Buffer; (bytes = yield* cat.stdout.read(2 ** 20)).length > 0; ) {
        received += bytes.length;
        if (received % 2 ** 24 < bytes.length) most = Math.max(most, process.memoryUsage().rss);
      }
      yield* writer;
      expect(yield* cat.wait()).toBe(0);
      expect(received).toBe(size);
      expect(most - before).toBeLessThan(150 * 2 ** 20);
    }),
  );
});

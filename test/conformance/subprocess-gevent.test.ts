/** gevent's test__subprocess, test__subprocess_interrupted and test__subprocess_poll. */
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CalledProcessError, type Coroutine, run, sleep, spawn, TimeoutExpired, wait } from 'genlet';
import { checkOutput, Popen, runProcess } from 'genlet/io';
import { describe, expect, it } from 'vitest';
import { watchProcesses } from '../io/popen-support.ts';
import { thrown } from '../io/support.ts';
import { runProgram } from '../support/child.ts';
import { watchHub } from '../support/hub.ts';

watchHub();
watchProcesses();

/** A descriptor of a file with `content`, while `main` runs. */
function* withFile(content: string, main: (fd: number) => Coroutine<void>): Coroutine<void> {
  const folder = mkdtempSync(join(tmpdir(), 'genlet-subprocess-'));
  writeFileSync(join(folder, 'file'), content);
  const fd = openSync(join(folder, 'file'), 'r+');
  try {
    yield* main(fd);
  } finally {
    closeSync(fd);
    rmSync(folder, { recursive: true });
  }
}

const sh = (script: string): string[] => ['sh', '-c', script];

describe('Popen', () => {
  it('gives the exit code by wait()', () =>
    run(function* () {
      const popen = yield* Popen.spawn(sh('exit 10'));
      expect(yield* popen.wait()).toBe(10);
    }));

  it('can be given to wait()', () =>
    run(function* () {
      const popen = yield* Popen.spawn(sh('exit 11'));
      expect(yield* wait([popen])).toEqual([popen]);
      expect(popen.poll()).toBe(11);
    }));

  it('throws ENOENT for a program that there is not, again and again', () =>
    run(function* () {
      for (let i = 0; i < 7; i++) {
        const error = yield* thrown(Popen.spawn(['this_name_must_not_exist'], { stdin: 'pipe', stdout: 'pipe' }));
        expect(error).toMatchObject({ code: 'ENOENT', path: 'this_name_must_not_exist' });
      }
    }));

  it('leaves no pipe open once it is closed', () =>
    run(function* () {
      const popen = yield* Popen.spawn(['echo'], { stdout: 'pipe' });
      yield* popen.wait();
      popen.stdout.close();
    }));

  it('takes input and gives both outputs by communicate()', () =>
    run(function* () {
      const popen = yield* Popen.spawn(sh('printf pineapple >&2; cat'), {
        stdin: 'pipe',
        stdout: 'pipe',
        stderr: 'pipe',
      });
      const { stdout, stderr } = yield* popen.communicate('banana');
      expect([String(stdout), String(stderr)]).toEqual(['banana', 'pineapple']);
    }));

  it('speaks text if it has an encoding, with line ends as they are', () =>
    run(function* () {
      const popen = yield* Popen.spawn(sh('printf "pine\\r\\n\\303\\277" >&2; cat'), {
        stdin: 'pipe',
        stdout: 'pipe',
        stderr: 'pipe',
        encoding: 'utf8',
      });
      const output = yield* popen.communicate('banana\r\n\u00ff\u00f2\r\n');
      expect(output).toEqual({ stdout: 'banana\r\n\u00ff\u00f2\r\n', stderr: 'pine\r\n\u00ff' });
    }));

  it('replaces what is no text in its encoding', () =>
    run(function* () {
      const popen = yield* Popen.spawn(sh('printf "\\377"'), { stdout: 'pipe', encoding: 'utf8' });
      expect((yield* popen.communicate()).stdout).toBe('\ufffd');
    }));

  it('gives lines whose ends came apart', () =>
    run(function* () {
      const script =
        'printf "line1\\nline2\\r\\nline3\\r"; sleep 0.02; printf "\\nline4"; sleep 0.02; printf "\\nline5"';
      const popen = yield* Popen.spawn(sh(script), { stdout: 'pipe', encoding: 'utf8' });
      const lines: string[] = [];
      using all = popen.stdout.lines();
      for (let line; !(line = yield* all.next()).done; ) lines.push(line.value);
      expect(lines).toEqual(['line1', 'line2', 'line3', 'line4', 'line5']);
      yield* popen.wait();
      popen.stdout.close();
    }));

  it('reads a pipe that somebody else holds open, and can be killed there', () =>
    run(function* () {
      const giver = yield* Popen.spawn(['cat'], { stdin: 'pipe', stdout: 'pipe' });
      const popen = yield* Popen.spawn(['grep', 'text'], { stdin: 'pipe', stdout: 'pipe' });
      yield* sleep(20);
      expect(popen.poll()).toBe(undefined);
      popen.kill();
      expect(yield* popen.wait()).toBe(-9);
      for (const one of [popen, giver]) one[Symbol.dispose]();
      yield* giver.wait();
    }));

  it('has pipes without delay: what is written comes, without its end', () =>
    run(function* () {
      using popen = yield* Popen.spawn(sh('read line; echo "$line"; exec sleep 30'), { stdin: 'pipe', stdout: 'pipe' });
      yield* popen.stdin.write('foobar\n');
      expect(yield* popen.stdout.readline()).toBe('foobar');
    }));

  it.each([
    ['', undefined],
    [Buffer.alloc(0), 'bytes'],
  ] as const)('gives nothing in the right form when there was no output: %j', (nothing, bytes) =>
    run(function* () {
      const popen =
        bytes === undefined
          ? yield* Popen.spawn(['true'], { stdout: 'pipe', encoding: 'utf8' })
          : yield* Popen.spawn(['true'], { stdout: 'pipe' });
      expect(yield* popen.communicate()).toEqual({ stdout: nothing, stderr: nothing });
    }),
  );

  it('does not know of the end while nobody gives way, and then at once', () =>
    run(function* () {
      const popen = yield* Popen.spawn(['true']);
      let turns = 0;
      for (; popen.poll() === undefined && turns < 1_000_000; turns++) yield* sleep(0);
      expect(popen.poll()).toBe(0);
    }));

  it('does not disturb a program whose main throws while one is being started', async () => {
    const { stderr, exit } = await runProgram(`
      import { run, sleep, spawn } from 'genlet';
      import { Popen } from 'genlet/io';
      await run(function* () {
        spawn(() => process.exit(3));
        yield* Popen.spawn(['true']);
        yield* sleep(1000);
      });`);
    expect([stderr, exit]).toEqual(['', 3]);
  });

  it('passes no descriptor of ours but the three on', () =>
    run(() =>
      withFile('', function* (fd) {
        const listed = yield* checkOutput(sh('ls -l /proc/self/fd'), { encoding: 'utf8' });
        expect(listed).not.toContain('genlet-subprocess-');
        const given = yield* checkOutput(sh('ls -l /proc/self/fd'), { stdin: fd, encoding: 'utf8' });
        expect(given).toContain('genlet-subprocess-');
      }),
    ));
});

describe('runProcess', () => {
  it('gives the return code, which can be checked', () =>
    run(function* () {
      const completed = yield* runProcess(sh('exit 47'));
      expect(completed.returncode).toBe(47);
      expect(() => completed.checkReturncode()).toThrow(CalledProcessError);
    }));

  it('throws if it is told to check', () =>
    run(function* () {
      expect(yield* thrown(runProcess(sh('exit 47'), { check: true }))).toMatchObject({ returncode: 47 });
    }));

  it('does not throw for 0', () =>
    run(function* () {
      const completed = yield* runProcess(['true'], { check: true });
      expect(completed.returncode).toBe(0);
      completed.checkReturncode();
    }));

  it('ends a process that takes too long', () =>
    run(function* () {
      expect(yield* thrown(runProcess(sh('while :; do :; done'), { timeout: 5 }))).toBeInstanceOf(TimeoutExpired);
    }));

  it.each(['stdout', 'stderr'] as const)('captures %s', (name) =>
    run(function* () {
      const script = name === 'stdout' ? 'echo BDFL' : 'echo BDFL >&2';
      const completed = yield* runProcess(sh(script), { [name]: 'pipe', encoding: 'utf8' });
      expect(completed[name]).toBe('BDFL\n');
    }),
  );

  it('reads stdin from a file', () =>
    run(() =>
      withFile('pear', function* (fd) {
        const { stdout } = yield* runProcess(['tr', 'a-z', 'A-Z'], { stdin: fd, stdout: 'pipe', encoding: 'utf8' });
        expect(stdout).toBe('PEAR');
      }),
    ));

  it('takes input', () =>
    run(function* () {
      const completed = yield* runProcess(['tr', 'a-z', 'A-Z'], { input: Buffer.from('pear'), stdout: 'pipe' });
      expect(String(completed.stdout)).toBe('PEAR');
    }));

  it('refuses input together with stdin', () => {
    expect(() => runProcess(['cat'], { input: 'hare', stdin: 0 })).toThrow(/stdin.*input/);
  });

  it('has the output so far in its TimeoutExpired', () =>
    run(function* () {
      const options = { timeout: 300, stdout: 'pipe', encoding: 'utf8' } as const;
      const error = yield* thrown(runProcess(sh('printf BDFL; exec sleep 3600'), options));
      expect([error.name, error.stdout, error.timeout]).toEqual(['TimeoutExpired', 'BDFL', 300]);
    }));

  it('passes an environment', () =>
    run(function* () {
      const env = { ...process.env, FRUIT: 'banana' };
      const { returncode } = yield* runProcess(sh('[ "$FRUIT" = banana ] && exit 33; exit 31'), { env });
      expect(returncode).toBe(33);
    }));

  it('does not wait for the children of a shell that took too long', () =>
    run(function* () {
      const begin = performance.now();
      const options = { shell: true, timeout: 50, captureOutput: true } as const;
      expect(yield* thrown(runProcess('sleep 1; true', options))).toBeInstanceOf(TimeoutExpired);
      expect(performance.now() - begin).toBeLessThan(900);
    }));
});

describe('checkOutput', () => {
  it('throws the return code of what failed', () =>
    run(function* () {
      expect(yield* thrown(checkOutput(sh('exit 44')))).toMatchObject({ returncode: 44, name: 'CalledProcessError' });
    }));

  it('can be done by many greenlets at once', () =>
    run(function* () {
      const outputs = Array.from({ length: 10 }, (_, i) =>
        spawn(() => checkOutput(['echo', `${i}`], { encoding: 'utf8' })),
      );
      const results = [];
      for (const greenlet of outputs) results.push(yield* greenlet);
      expect(results).toEqual(outputs.map((_, i) => `${i}\n`));
    }));
});

/** The standard streams of a program, which is one of its own here. */
import { all, type Coroutine, run } from 'genlet';
import { describe, expect, inject, it } from 'vitest';
import { Popen } from '../../src/io/popen.ts';
import { prompt } from '../../src/io/stdio.ts';
import { watchHub } from '../support/hub.ts';
import { watchProcesses } from './popen-support.ts';

watchHub();
watchProcesses();

/** Starts a program whose main has this body. */
function program(body: string, wrap = ''): Coroutine<Popen<'utf8'>> {
  const source = `
    import { run, sleep, spawn, Timeout } from 'genlet';
    import { prompt, stderr, stdin, stdout } from './src/io/stdio.js';
    await run(function* () { ${body} });`;
  const args = [process.execPath, '--input-type=module', '--eval', source];
  const options = { cwd: inject('build'), stdin: 'pipe', stdout: 'pipe', stderr: 'pipe', encoding: 'utf8' } as const;
  return (function* () {
    if (wrap === '') return yield* Popen.spawn(args, options);
    return yield* Popen.spawn(['sh', '-c', wrap, 'sh', ...args], options);
  })();
}

const slow = { timeout: 20_000 };

describe('stdin, stdout and stderr', () => {
  it('are read and written', slow, () =>
    run(function* () {
      const popen = yield* program(`
        const lines = stdin.lines();
        for (let line; !(line = yield* lines.next()).done; ) yield* stdout.write(line.value.toUpperCase() + '!\\n');
        yield* stderr.write('end');`);
      expect(yield* popen.communicate('one\ntwo')).toEqual({ stdout: 'ONE!\nTWO!\n', stderr: 'end' });
      expect(popen.returncode).toBe(0);
    }),
  );

  it('write all there is before the process ends', slow, () =>
    run(function* () {
      const popen = yield* program(`
        for (let i = 0; i < 20; i++) yield* stdout.write('x'.repeat(100_000));
        yield* stdout.flush();`);
      expect((yield* popen.communicate()).stdout).toHaveLength(2_000_000);
    }),
  );

  it('throw EPIPE when nobody reads any more', slow, () =>
    run(function* () {
      const popen = yield* program(`
        try {
          for (;;) yield* stdout.write('line\\n');
        } catch (error) {
          yield* stderr.write(error.code);
        }`);
      expect(yield* popen.stdout.readline()).toBe('line');
      popen.stdout.close();
      expect(yield* popen.stderr.readAll()).toBe('EPIPE');
      expect(yield* popen.wait()).toBe(0);
      popen[Symbol.dispose]();
    }),
  );

  it('do not keep a process alive that does not read any more', slow, () =>
    run(function* () {
      const bodies = [
        '', // never touched
        'console.log(yield* stdin.readline());',
        'const reader = spawn(() => stdin.read()); yield* sleep(20); yield* reader.kill();',
        'const reader = spawn(() => stdin.read()); yield* sleep(0); yield* reader.kill();',
        'try { yield* stdin.readUntil("never", { timeout: 20 }) } catch (error) { if (!(error instanceof Timeout)) throw error; }',
      ];
      function* check(body: string) {
        using popen = yield* program(body);
        yield* popen.stdin.write('first\nsecond\n');
        return `${yield* popen.wait(15_000)} ${yield* popen.stdout.readAll()}${yield* popen.stderr.readAll()}`;
      }
      expect(yield* all(bodies.map(check))).toEqual(['0 ', '0 first\n', '0 ', '0 ', '0 ']);
    }),
  );

  it('may be files', slow, () =>
    run(function* () {
      const popen = yield* program(
        'console.log(JSON.parse(yield* stdin.readAll()).name); yield* stdout.write("end");',
        '"$@" < package.json | cat',
      );
      expect(yield* popen.communicate()).toEqual({ stdout: 'genlet\nend', stderr: '' });
    }),
  );
});

describe('prompt', () => {
  it('asks, and gives the line, or undefined at the end', slow, () =>
    run(function* () {
      using popen = yield* program(`
        const name = yield* prompt('Who? ');
        const other = yield* prompt('And? ', { timeout: 5000 });
        console.log([name, other, yield* prompt('More? ')]);`);
      expect(String(yield* popen.stdout.readUntil('? '))).toBe('Who? ');
      yield* popen.stdin.write('Ada\n');
      expect(String(yield* popen.stdout.readUntil('? '))).toBe('And? ');
      yield* popen.stdin.write('Grace\r\n');
      expect(String(yield* popen.stdout.readUntil('? '))).toBe('More? ');
      yield* popen.stdin.end();
      expect(yield* popen.stdout.readAll()).toBe("[ 'Ada', 'Grace', undefined ]\n");
    }),
  );

  it('works on a terminal', slow, () =>
    run(function* () {
      const body = `
        const { isTTY } = process.stdin;
        console.log(isTTY, 'hello', yield* prompt('Who? '), yield* prompt('Again? '));`;
      // A program that gives another one a terminal; the shell that it starts gets the arguments by a variable.
      const wrap = `exec script -qec 'exec "$NODE" --input-type=module --eval "$SOURCE"' /dev/null`;
      using popen = yield* program(body, `export NODE="$1" SOURCE="$4"; ${wrap}`);
      yield* popen.stdout.readUntil('Who? ');
      yield* popen.stdin.write('Ada\n');
      yield* popen.stdout.readUntil('Again? ');
      yield* popen.stdin.write('Grace\n');
      yield* popen.stdout.readUntil('hello Ada Grace');
      expect(yield* popen.wait(5000)).toBe(0);
    }),
  );

  it('can be asked again after a time limit', slow, () =>
    run(function* () {
      using popen = yield* program(`
        try { yield* prompt('Quick? ', { timeout: 20 }); } catch (error) { console.log(String(error)); }
        console.log(yield* prompt('Again? '));`);
      expect(String(yield* popen.stdout.readUntil('Again? '))).toBe(
        'Quick? Timeout: Reader.readline() from stdin timed out after 20 ms\nAgain? ',
      );
      yield* popen.stdin.write('yes\n');
      expect(yield* popen.stdout.readline()).toBe('yes');
      expect(yield* popen.wait()).toBe(0);
    }),
  );

  it('checks its arguments at the call', () => {
    expect(() => prompt(42 as never)).toThrow('question is 42: give a string');
    expect(() => prompt('', { limit: -1 })).toThrow('limit is -1');
    expect(() => prompt('', { timeout: -1 })).toThrow('timeout is -1');
  });
});

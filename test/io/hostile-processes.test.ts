/** Processes that misbehave: they close their pipes, do not listen, leave children behind, or print without end. */
import { CalledProcessError, joinall, LimitOverrunError, run, sleep, spawn, TimeoutExpired } from 'genlet';
import { checkOutput, Popen, pipe, runProcess } from 'genlet/io';
import { describe, expect, it } from 'vitest';
import { watchHub } from '../support/hub.ts';
import { watchEverything } from './census.ts';
import { children, exists } from './popen-support.ts';
import { eventually, thrown, untilBlocked } from './support.ts';

watchHub();
watchEverything();

const sh = (script: string): string[] => ['sh', '-c', script];
const pipes = { stdin: 'pipe', stdout: 'pipe' } as const;

describe('a process that closes its stdin early', () => {
  it('fails the writer with EPIPE, and its output can be read', () =>
    run(function* () {
      using popen = yield* Popen.spawn(sh('exec <&-; echo out; exec sleep 30'), pipes);
      expect(yield* popen.stdout.readline()).toBe('out');
      expect(yield* thrown(popen.stdin.write(Buffer.alloc(500_000)))).toMatchObject({ code: 'EPIPE' });
      expect(yield* thrown(popen.stdin.write('x'))).toMatchObject({ code: 'EPIPE' });
      expect(yield* thrown(popen.stdin.flush())).toMatchObject({ code: 'EPIPE' });
    }));

  it('while the writer is blocked wakes it', () =>
    run(function* () {
      using popen = yield* Popen.spawn(sh('sleep 0.05; exec <&-; exec sleep 30'), pipes);
      const writing = spawn(() => popen.stdin.write(Buffer.alloc(5_000_000)));
      yield* untilBlocked(writing);
      expect(yield* thrown(writing)).toMatchObject({ code: 'EPIPE' });
    }));

  it('by ending fails the writer too, in the same turn and later', () =>
    run(function* () {
      const popen = yield* Popen.spawn(['true'], pipes);
      yield* popen.wait();
      for (let i = 0; i < 3; i++) {
        expect(yield* thrown(popen.stdin.write('x'))).toMatchObject({ code: 'EPIPE' });
        yield* sleep(1);
      }
      popen.stdout.close();
    }));

  it('is no error for communicate and runProcess, whenever it comes', () =>
    run(function* () {
      for (const delay of [0, 0.005, 0.02]) {
        const script = `sleep ${delay}; exec <&-; sleep ${delay}; echo done`;
        const { stdout } = yield* runProcess(sh(script), { input: Buffer.alloc(1_000_000), stdout: 'pipe' });
        expect(String(stdout)).toBe('done\n');
      }
    }));
});

describe('a process that does not listen to SIGTERM', () => {
  it('is killed at the end of its grace time, by stop() and at the end of a scope', () =>
    run(function* () {
      const popen = yield* Popen.spawn(sh('trap "" TERM; echo ready; exec sleep 60'), { stdout: 'pipe' });
      yield* popen.stdout.readline();
      const begin = performance.now();
      yield* popen.stop(20);
      expect(performance.now() - begin).toBeLessThan(900);
      expect([popen.returncode, exists(popen.pid)]).toEqual([-9, false]);
      popen.stdout.close();
    }));

  it('and whose greenlet is killed leaves nothing', () =>
    run(function* () {
      const before = children().length;
      const running = spawn(() => runProcess(sh('trap "" TERM; exec sleep 60'), { grace: 20 }));
      yield* untilBlocked(running);
      yield* sleep(20);
      yield* running.kill();
      expect(children().length).toBe(before);
    }));

  it('since it is stopped ends by stop() all the same', () =>
    run(function* () {
      const popen = yield* Popen.spawn(['sleep', '60']);
      popen.sendSignal('SIGSTOP');
      yield* popen.stop(20);
      expect([-15, -9]).toContain(popen.returncode);
    }));
});

describe('a process that leaves a child which holds its pipes', () => {
  // The child ends when the test does: its number is the first thing that is printed.
  const script = 'sleep 60 & echo $!; exit 0';

  it('has ended for wait(), though the pipe has not', () =>
    run(function* () {
      const popen = yield* Popen.spawn(sh(script), { stdout: 'pipe' });
      const child = Number(yield* popen.stdout.readline());
      expect(yield* popen.wait(5000)).toBe(0);
      expect(exists(child)).toBe(true);
      expect((yield* thrown(popen.stdout.read(10, { timeout: 5 }))).name).toBe('Timeout');
      popen.stdout.close();
      process.kill(child, 'SIGKILL');
    }));

  it('makes communicate() wait, as long as it is given, and gives what came', () =>
    run(function* () {
      const popen = yield* Popen.spawn(sh(script), { stdout: 'pipe', encoding: 'utf8' });
      const error = yield* thrown(popen.communicate(null, 200));
      expect(error).toBeInstanceOf(TimeoutExpired);
      expect(popen.returncode).toBe(0);
      process.kill(Number(error.stdout), 'SIGKILL');
      expect((yield* popen.communicate(null, 5000)).stdout).toBe(error.stdout);
    }));

  it('does not make runProcess wait after its time limit', () =>
    run(function* () {
      const begin = performance.now();
      const error = yield* thrown(runProcess(sh(script), { captureOutput: true, encoding: 'utf8', timeout: 200 }));
      expect(error).toBeInstanceOf(TimeoutExpired);
      expect(performance.now() - begin).toBeLessThan(2000);
      process.kill(Number(error.stdout), 'SIGKILL');
    }));
});

describe('a process that prints without end', () => {
  it('is held up while nobody reads, in bounded memory', () =>
    run(function* () {
      using popen = yield* Popen.spawn(['yes'], { stdout: 'pipe', stderr: 'ignore' });
      const before = process.memoryUsage().arrayBuffers;
      yield* sleep(100);
      expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(5_000_000);
      expect(yield* popen.stdout.readline()).toBe('y');
      expect(popen.ready()).toBe(false);
    }));

  it('ends by SIGPIPE when its pipe is closed', () =>
    run(function* () {
      const popen = yield* Popen.spawn(['yes'], { stdout: 'pipe', stderr: 'ignore' });
      expect(yield* popen.stdout.readline()).toBe('y');
      popen.stdout.close();
      expect([-13, 1]).toContain(yield* popen.wait(5000)); // 1 where SIGPIPE is ignored
    }));

  it('in one line is refused at the limit', () =>
    run(function* () {
      using popen = yield* Popen.spawn(sh('exec tr "\\n" "x" < /dev/zero'), { stdout: 'pipe', stderr: 'ignore' });
      expect(yield* thrown(popen.stdout.readline())).toBeInstanceOf(LimitOverrunError);
      expect(yield* thrown(popen.stdout.readAll({ limit: 1_000_000 }))).toBeInstanceOf(LimitOverrunError);
    }));

  it('is ended at the time limit', () =>
    run(function* () {
      const error = yield* thrown(checkOutput(['yes'], { timeout: 50, encoding: 'utf8' }));
      expect(error).toBeInstanceOf(TimeoutExpired);
      expect(error.stdout.startsWith('y\ny\n')).toBe(true);
    }));
});

describe('a process that prints and dies', () => {
  it('at once leaves all that it printed to be read', () =>
    run(function* () {
      const popen = yield* Popen.spawn(sh('head -c 60000 /dev/zero'), { stdout: 'pipe' });
      yield* popen.wait();
      yield* sleep(5);
      expect((yield* popen.stdout.readAll()).length).toBe(60_000);
    }));

  it('by a signal in the middle of a character gives the rest of it as what it is', () =>
    run(function* () {
      const options = { stdout: 'pipe', encoding: 'utf8' } as const;
      const popen = yield* Popen.spawn(sh("printf 'a\\342\\230'; kill -KILL $$"), options);
      expect((yield* popen.communicate()).stdout).toBe('a\ufffd');
      expect(popen.returncode).toBe(-9);
      expect(yield* thrown(checkOutput(sh('kill -SEGV $$')))).toBeInstanceOf(CalledProcessError);
    }));

  it('byte by byte is read as it comes', () =>
    run(function* () {
      const script = 'i=0; while [ $i -lt 300 ]; do printf "%s" x; i=$((i+1)); done; echo';
      const popen = yield* Popen.spawn(sh(script), { stdout: 'pipe' });
      expect((yield* popen.stdout.readline())?.length).toBe(300);
      yield* popen.communicate();
    }));
});

describe('much', () => {
  it('goes through cat by communicate, both ways at once', { timeout: 30_000 }, () =>
    run(function* () {
      const input = Buffer.alloc(64 * 2 ** 20, 'genlet');
      const popen = yield* Popen.spawn(['cat'], pipes);
      const { stdout } = yield* popen.communicate(input);
      expect(stdout.equals(input)).toBe(true);
    }),
  );

  it('goes through a pipeline of two processes, 256 MiB of it, in bounded memory', { timeout: 30_000 }, () =>
    run(function* () {
      const size = 256 * 2 ** 20;
      const source = yield* Popen.spawn(['head', '-c', `${size}`, '/dev/zero'], { stdout: 'pipe' });
      const sink = yield* Popen.spawn(['wc', '-c'], { ...pipes, encoding: 'utf8' });
      const before = process.memoryUsage().arrayBuffers;
      const copying = spawn(function* () {
        const count = yield* pipe(source.stdout, sink.stdin);
        yield* sink.stdin.end();
        return count;
      });
      let most = 0;
      for (; !copying.dead; yield* sleep(5)) most = Math.max(most, process.memoryUsage().arrayBuffers - before);
      expect(yield* copying).toBe(size);
      expect(Number((yield* sink.communicate()).stdout)).toBe(size);
      expect(most).toBeLessThan(200 * 2 ** 20);
      yield* source.communicate();
    }),
  );

  it('at a time: many processes, of which some are killed, some fail, some can not be started', () =>
    run(function* () {
      const before = children().length;
      const greenlets = Array.from({ length: 60 }, (_, i) =>
        spawn(function* () {
          if (i % 4 === 0) return (yield* checkOutput(['echo', `${i}`], { encoding: 'utf8' })).trim();
          if (i % 4 === 1) return (yield* thrown(checkOutput(sh('exit 3')))).returncode;
          if (i % 4 === 2) return (yield* thrown(checkOutput(['/nonexisting']))).code;
          return yield* checkOutput(['sleep', '60']);
        }),
      );
      const sleepers = greenlets.filter((_, i) => i % 4 === 3);
      yield* joinall(greenlets, { count: 45 });
      for (const sleeper of sleepers) sleeper.kill();
      yield* joinall(greenlets);
      expect(greenlets.slice(0, 3).map(({ value }) => value)).toEqual(['0', 3, 'ENOENT']);
      yield* eventually(() => children().length === before);
    }));
});

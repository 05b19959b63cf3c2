import childProcess, { type ChildProcess, exec, execFile, fork, spawn } from 'node:child_process';
import { promisify } from 'node:util';
import { run, sleep, spawnNow, spawn as start, Timeout, withTimeout } from 'genlet';
import { patchChildProcess, unpatchAll } from 'genlet/monkey';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { watchHub } from '../../support/hub.ts';
import { eventually, thrown, watchResources } from '../support.ts';

watchHub();
watchResources();

beforeAll(() => patchChildProcess());
afterAll(unpatchAll);

/** A function that returns the child itself would not wait for it. */
const waitFor = <T extends ChildProcess>(child: T) =>
  function* () {
    return yield* child;
  };

const ended = (child: ChildProcess) => () => child.exitCode !== null || child.signalCode !== null;

describe('yield* child', () => {
  it('waits for the end and for the output', async () => {
    await run(function* () {
      expect(yield* spawn('sh', ['-c', 'exit 3'])).toEqual({ code: 3, signal: null });
      const child = spawn('echo', ['text']);
      let output = '';
      child.stdout.on('data', (chunk) => (output += chunk));
      expect([yield* child, output]).toEqual([{ code: 0, signal: null }, 'text\n']);
      expect(yield* child).toEqual({ code: 0, signal: null });
      expect((yield* fork('vitest.config.mjs.none', { stdio: 'ignore' })).code).toBe(1);
    });
  });

  it('tells how a child ended before anybody asked', async () => {
    await run(function* () {
      const child = spawn('sh', ['-c', 'kill -9 $$']);
      yield* eventually(() => ended(child)() && child.stdio.every((stream) => stream?.destroyed));
      expect(yield* child).toEqual({ code: null, signal: 'SIGKILL' });
    });
  });

  it('waits for output that outlives the child', async () => {
    await run(function* () {
      const child = spawn('sh', ['-c', '(sleep 0.1; echo late) &']);
      let output = '';
      child.stdout.on('data', (chunk) => {
        output += chunk;
      });
      yield* eventually(ended(child));
      expect(output).toBe('');
      yield* child;
      expect(output).toBe('late\n');
    });
  });

  it('can be done by several, of whom one may be killed', async () => {
    await run(function* () {
      const child = spawn('cat');
      const [first, second] = [start(waitFor(child)), start(waitFor(child))];
      yield* sleep(0);
      yield* first.kill();
      child.stdin.end();
      expect(yield* second).toEqual({ code: 0, signal: null });
      expect([child.listenerCount('close'), child.listenerCount('error')]).toEqual([0, 0]);
    });
  });

  it('ends the child when the last one who waits is killed or timed out; one can still wait for that', async () => {
    await run(function* () {
      const child = spawn('cat');
      const waiter = spawnNow(waitFor(child));
      yield* waiter.kill();
      expect([child.killed, child.listenerCount('close')]).toEqual([true, 0]);
      expect(yield* child).toEqual({ code: null, signal: 'SIGTERM' });
      const other = spawn('cat');
      expect(yield* thrown(withTimeout(5, waitFor(other)))).toBeInstanceOf(Timeout);
      yield* eventually(ended(other));
    });
  });

  it('throws when there is no such program, also afterwards', async () => {
    const expected = {
      code: 'ENOENT',
      syscall: 'spawn no-such-program',
      path: 'no-such-program',
      spawnargs: ['x'],
      errno: -2,
    };
    await run(function* () {
      const error = yield* thrown(spawn('no-such-program', ['x']) as never);
      expect(error).toMatchObject({ ...expected, message: 'spawn no-such-program ENOENT' });
      const child = spawn('no-such-program', ['x']);
      child.on('error', () => {});
      yield* sleep(20);
      expect(yield* thrown(child as never)).toMatchObject({ ...expected, message: 'spawn no-such-program ENOENT' });
    });
  });

  it('outside a greenlet there is no such thing', () => {
    const child = spawn('true');
    expect((child as any)[Symbol.iterator]).toBe(undefined);
    expect(() => [...(child as any)]).toThrow('child is not iterable');
    return new Promise((resolve) => child.on('close', resolve));
  });
});

describe.each([
  ['exec', () => exec('echo out; echo err >&2'), () => exec('echo out; exit 2')],
  [
    'execFile',
    () => execFile('sh', ['-c', 'echo out; echo err >&2']),
    () => execFile('sh', ['-c', 'echo out; exit 2']),
  ],
])('%s without a callback', (_, good, bad) => {
  it('gives the child, and yield* gives the output', async () => {
    await run(function* () {
      const child = good();
      expect(child).toBeInstanceOf(childProcess.ChildProcess);
      expect(yield* child).toEqual({ stdout: 'out\n', stderr: 'err\n' });
      expect(yield* child).toEqual({ stdout: 'out\n', stderr: 'err\n' });
    });
  });

  it('throws what util.promisify makes of it', async () => {
    await run(function* () {
      const error = yield* thrown(bad() as never);
      expect(error).toMatchObject({ code: 2, killed: false, signal: null, stdout: 'out\n', stderr: '' });
      expect(error.message).toMatch(/^Command failed/);
    });
  });

  it('says nothing of an error that nobody asked for, as ever', async () => {
    await run(function* () {
      const child = bad();
      yield* eventually(() => ended(child)() && child.stdout!.destroyed);
    });
  });
});

it('exec is killed with the last one who waits', async () => {
  await run(function* () {
    const child = execFile('cat', ['-'], {}, undefined as never);
    const waiter = spawnNow(waitFor(child));
    yield* waiter.kill();
    yield* eventually(ended(child));
    expect(child.signalCode).toBe('SIGTERM');
  });
});

it('exec takes options, and refuses what it refused', async () => {
  await run(function* () {
    const { stdout } = yield* exec('printf x', { encoding: 'buffer' });
    expect(stdout).toEqual(Buffer.from('x'));
    expect(() => exec(5 as never)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' }));
  });
});

it('with a callback and by promisify, exec is what it was', async () => {
  const output = await run(() => new Promise((resolve) => exec('echo x', (...all) => resolve(all))));
  expect(output).toEqual([null, 'x\n', '']);
  expect(await promisify(exec)('echo x')).toEqual({ stdout: 'x\n', stderr: '' });
});

/** Pipes as CPython tests them: see test/conformance/rows-processes.md. */
import { BrokenPipeError, ConnectionClosedError, EOFError, type Operation, run } from 'genlet';
import { activeChildren, Event, Pipe, Process } from 'genlet/workers';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { caught } from '../../support/caught.ts';
import { watchHub } from '../../support/hub.ts';
import * as tasks from '../fixtures/conformance-process-tasks.ts';

vi.setConfig({ testTimeout: 60_000 });
watchHub();

afterEach(() => {
  for (const child of activeChildren()) child.kill();
});

/** What a poll says, and how long it takes. */
function* timed(poll: Operation<boolean>): Generator<any, [boolean, number], any> {
  const before = performance.now();
  return [yield* poll, performance.now() - before];
}

describe('a pipe to another process', () => {
  it('carries small and large values, can be polled, and ends when the other side closes it', async () => {
    await run(function* () {
      const [here, there] = Pipe();
      const end = new Event();
      const child = new Process(tasks.echo, [there, end]);
      child.start();
      there.close(); // it is over there already
      for (const value of [[1, 2.25, null], 'hello world', Buffer.from('hello world'), new Int32Array([0, 1, 2, 3])]) {
        yield* here.send(value);
        expect(yield* here.recv()).toEqual(value);
      }
      expect(yield* here.poll()).toBe(false);
      const [isThere, ms] = yield* timed(here.poll(80));
      expect([isThere, ms > 75]).toEqual([false, true]);
      yield* here.send(null);
      expect(yield* here.poll(30_000)).toBe(true);
      expect(yield* here.poll()).toBe(true);
      expect(yield* here.recv()).toBe(null);
      const big = Buffer.alloc(16 * 1024 * 1024, 'X');
      yield* here.send(big);
      expect((yield* here.recv()).equals(big)).toBe(true);
      yield* here.send(Buffer.alloc(0));
      expect(yield* caught(here.recv())).toBeInstanceOf(EOFError);
      expect([here.readable, here.writable, here.closed, child.isAlive()]).toEqual([true, true, false, true]);
      expect(yield* caught(here.recv())).toBeInstanceOf(EOFError);
      expect(yield* caught(here.send(1))).toBeInstanceOf(BrokenPipeError);
      end.set();
      yield* child.join();
      expect(child.exitcode).toBe(0);
    });
  });

  it('carries ends of other pipes; what comes in pieces stays apart, and a poll takes nothing of it', async () => {
    await run(function* () {
      const [here, there] = Pipe();
      const child = new Process(tasks.converse, [there]);
      child.start();
      // An end to send by, and one to receive by.
      const [reader, writer] = Pipe<string>(false);
      yield* here.send(writer);
      expect([writer.closed, yield* reader.recv()]).toEqual([true, 'all is well']);
      expect(yield* caught(reader.recv())).toBeInstanceOf(EOFError);
      const [theirs, ours] = Pipe<string>(false);
      yield* here.send(theirs);
      yield* ours.send('foobar');
      expect(yield* here.recv()).toBe('foobarfoobar');
      expect(yield* here.recv()).toEqual([false, true, true, false]);
      // It polls twice before it takes the first of these.
      const words = ['hello', '', 'a', 'b', '', 'bye', '', 'lop'];
      yield* here.send(words);
      yield* here.send(['a', 'b', 'cd', '']);
      for (const word of words) {
        while (!(yield* here.poll(10)));
        expect(String(yield* here.recv())).toBe(word);
      }
      for (const word of ['a', 'b', 'cd', '']) {
        expect([yield* here.poll(30_000), yield* here.poll(1000), yield* here.poll()]).toEqual([true, true, true]);
        expect(String(yield* here.recv())).toBe(word);
      }
      expect(yield* here.poll(null)).toBe(true);
      expect(yield* caught(here.recv())).toBeInstanceOf(EOFError);
      yield* child.join();
      expect(child.exitcode).toBe(0);
    });
  });
});

describe('a pipe', () => {
  it('has something when nothing but an empty buffer was sent', async () => {
    await run(function* () {
      const [one, other] = Pipe<Buffer>();
      expect(yield* one.poll()).toBe(false);
      yield* other.send(Buffer.alloc(0));
      expect([yield* one.poll(), yield* one.poll()]).toEqual([true, true]);
      expect(yield* one.recv()).toHaveLength(0);
      expect(yield* one.poll()).toBe(false);
    });
  });

  it('carries of a buffer the part that was sent', async () => {
    await run(function* () {
      const [one, other] = Pipe<Buffer>();
      const letters = Buffer.from('abcdefghijklmnopqrstuvwxyz');
      for (const [from, to] of [[0], [5], [7, 15], [26], [26, 26]]) {
        yield* one.send(letters.subarray(from, to));
        const part = yield* other.recv();
        expect(String(part)).toBe('abcdefghijklmnopqrstuvwxyz'.slice(from, to));
      }
    });
  });

  it('is closed at both ends after a block that uses both', async () => {
    await run(function* () {
      const [one, other] = Pipe<number>();
      {
        using a = one;
        using b = other;
        yield* a.send(1729);
        expect(yield* b.recv()).toBe(1729);
        expect([one.closed, other.closed]).toEqual([false, false]);
      }
      expect([one.closed, other.closed]).toEqual([true, true]);
      expect(yield* caught(one.recv())).toBeInstanceOf(ConnectionClosedError);
      expect(yield* caught(other.recv())).toBeInstanceOf(ConnectionClosedError);
    });
  });
});

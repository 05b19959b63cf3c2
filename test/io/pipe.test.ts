import { readFileSync, writeFileSync } from 'node:fs';
import { type Coroutine, run, sleep, spawn } from 'genlet';
import { describe, expect, it } from 'vitest';
import { open } from '../../src/io/file.ts';
import { type ByteSink, type ByteSource, pipe } from '../../src/io/pipe.ts';
import { watchHub } from '../support/hub.ts';
import { at, killBlocked, makeFifo, useFolder } from './fs-support.ts';
import { thrown, untilBlocked, withPair } from './support.ts';

watchHub();
useFolder();

const contents = Buffer.from(Array.from({ length: 700_001 }, (_, i) => (i * 7 + (i >> 9)) & 255));

describe('pipe', () => {
  it('copies a file, and gives the number of bytes', async () => {
    writeFileSync(at('source'), contents);
    await run(function* () {
      using source = yield* open(at('source'));
      using target = yield* open(at('target'), 'w');
      yield* source.seek(1);
      expect(yield* pipe(source, target)).toBe(700_000);
      expect(yield* pipe(source, target)).toBe(0);
    });
    expect(readFileSync(at('target')).equals(contents.subarray(1))).toBe(true);
  });

  it.each([1000, 65_536, 131_071, 300_000, 1_000_000])('copies a file in pieces of %i', async (chunkSize) => {
    writeFileSync(at('source'), contents);
    await run(function* () {
      using source = yield* open(at('source'));
      using target = yield* open(at('target'), 'w');
      expect(yield* pipe(source, target, { chunkSize })).toBe(700_001);
      expect(source.tell()).toBe(700_001);
    });
    expect(readFileSync(at('target')).equals(contents)).toBe(true);
  });

  it('leaves a file where the last piece ended that was written, whenever it is killed', async () => {
    writeFileSync(at('source'), contents);
    for (let turns = 0; turns < 20; turns++) {
      await run(function* () {
        using source = yield* open(at('source'));
        using target = yield* open(at('target'), 'w');
        const copying = spawn(() => pipe(source, target, { chunkSize: 70_000 }));
        for (let turn = 0; turn < turns; turn++) yield* sleep(0);
        yield* copying.kill();
        yield* target.sync();
        const lost = source.tell() - target.tell();
        expect([0, 70_000, 700_001 % 70_000]).toContain(lost);
        yield* source.seek(target.tell());
        yield* pipe(source, target);
      });
      expect(readFileSync(at('target')).equals(contents)).toBe(true);
    }
  });

  it('copies between files and sockets', async () => {
    writeFileSync(at('source'), contents);
    await withPair(function* (client, server) {
      using source = yield* open(at('source'));
      using target = yield* open(at('target'), 'w');
      const receiver = spawn(() => pipe(server, target));
      expect(yield* pipe(source, client, { chunkSize: 10_000 })).toBe(700_001);
      client.shutdown('write');
      expect(yield* receiver).toBe(700_001);
    });
    expect(readFileSync(at('target')).equals(contents)).toBe(true);
  });

  it('reads on only when a piece is written', async () => {
    const events: string[] = [];
    let left = 2;
    const source: ByteSource = {
      *read(n: number): Coroutine<Uint8Array> {
        events.push(`read ${n}`);
        return new Uint8Array(left-- > 0 ? 3 : 0);
      },
    };
    const sink: ByteSink = {
      *write(bytes: Uint8Array): Coroutine<void> {
        events.push(`write ${bytes.length}`);
        yield* sleep(1);
        events.push('written');
      },
    };
    expect(await run(() => pipe(source, sink, { chunkSize: 5 }))).toBe(6);
    expect(events).toEqual(['read 5', 'write 3', 'written', 'read 5', 'write 3', 'written', 'read 5']);
  });

  it('takes nothing when it is killed while it reads', async () => {
    const path = makeFifo('fifo');
    await run(function* () {
      using source = yield* open(path, 'r+');
      using target = yield* open(at('target'), 'w');
      yield* killBlocked(() => pipe(source, target));
      const again = spawn(() => pipe(source, target));
      yield* untilBlocked(again);
      writeFileSync(path, 'text');
      while (readFileSync(at('target')).length === 0) yield* sleep(0);
      yield* untilBlocked(again);
      yield* again.kill();
      writeFileSync(path, 'x'); // lets go of the thread that reads
    });
    expect(readFileSync(at('target'), 'utf8')).toBe('text');
  });

  it('throws what either side throws, and leaves both open', () =>
    run(function* () {
      writeFileSync(at('source'), 'text');
      using source = yield* open(at('source'));
      using full = yield* open('/dev/full', 'w');
      expect(yield* thrown(pipe(source, full))).toMatchObject({ code: 'ENOSPC' });
      expect([source.closed, full.closed, source.tell()]).toEqual([false, false, 4]);
    }));

  it('checks its arguments at the call', () => {
    const both = { read: () => sleep(0) as never, write: () => sleep(0) };
    expect(() => pipe(5 as never, both)).toThrow('reader is 5: give something with read(n) or recv(n)');
    expect(() => pipe(both, null as never)).toThrow(
      'writer is null: give something with write(bytes) or sendall(bytes)',
    );
    expect(() => pipe(both, both, { chunkSize: 0 })).toThrow('chunkSize is 0');
  });
});

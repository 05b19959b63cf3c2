import { readFileSync, writeFileSync } from 'node:fs';
import { run, spawn } from 'genlet';
import { fs, open, pipe, type Socket, socketpair } from 'genlet/io';
import { describe, expect, it } from 'vitest';
import { watchHub } from '../support/hub.ts';
import { at, useFolder } from './fs-support.ts';
import { thrown, untilBlocked, watchResources } from './support.ts';

watchHub();
watchResources();
useFolder();

const contents = Buffer.from(Array.from({ length: 700_001 }, (_, i) => (i * 7 + (i >> 9)) & 255));

/** What the other side of `left` receives while `send` sends and then shuts down. */
function* received(send: (left: Socket) => ReturnType<Socket['sendFile']>) {
  const [left, right] = yield* socketpair();
  const receiver = spawn(function* () {
    using target = yield* open(at('received'), 'w');
    return yield* pipe(right, target);
  });
  const sent = yield* send(left);
  left.close();
  expect(yield* receiver).toBe(sent);
  right.close();
  return readFileSync(at('received'));
}

describe('Socket.sendFile', () => {
  it('sends all of a file that is given by its path', async () => {
    writeFileSync(at('file'), contents);
    const bytes = await run(() => received((left) => left.sendFile(at('file'))));
    expect(bytes.equals(contents)).toBe(true);
  });

  it('sends a part of a file', async () => {
    writeFileSync(at('file'), contents);
    const bytes = await run(() => received((left) => left.sendFile(at('file'), { offset: 300_000, count: 300_001 })));
    expect(bytes.equals(contents.subarray(300_000, 600_001))).toBe(true);
    expect(await run(() => received((left) => left.sendFile(at('file'), { offset: 700_001 })))).toHaveLength(0);
    expect(await run(() => received((left) => left.sendFile(at('file'), { count: 0 })))).toHaveLength(0);
  });

  it('goes on from the position of an open file, which stays open behind what was sent', () =>
    run(function* () {
      writeFileSync(at('file'), contents);
      using file = yield* open(at('file'));
      yield* file.seek(10);
      expect(yield* received((left) => left.sendFile(file, { count: 20 }))).toEqual(contents.subarray(10, 30));
      expect([file.tell(), file.closed]).toEqual([30, false]);
      expect(yield* received((left) => left.sendFile(file, { offset: 5, count: 5 }))).toEqual(contents.subarray(5, 10));
      expect(file.tell()).toBe(10);
    }));

  it('is held up by a peer that does not read, until its time is up or it is killed', () =>
    run(function* () {
      writeFileSync(at('file'), Buffer.alloc(8_000_000));
      const [left, right] = yield* socketpair();
      const error = yield* thrown(left.sendFile(at('file'), { timeout: 10 }));
      expect([error.name, left.closed]).toEqual(['Timeout', false]);
      const sender = spawn(() => left.sendFile(at('file')));
      yield* untilBlocked(sender);
      yield* sender.kill();
      left.abort();
      right.abort();
    }));

  it('closes a file that it has opened, whatever happens', () =>
    run(function* () {
      const before = (yield* fs.readdir('/proc/self/fd')).length;
      const [left, right] = yield* socketpair();
      expect((yield* thrown(left.sendFile(at('nowhere')))).code).toBe('ENOENT');
      writeFileSync(at('file'), Buffer.alloc(8_000_000));
      expect((yield* thrown(left.sendFile(at('file'), { timeout: 5 }))).name).toBe('Timeout');
      left.close();
      left.abort();
      expect((yield* thrown(left.sendFile(at('file')))).code).toBe('GENLET_SOCKET_CLOSED');
      right.abort();
      while ((yield* fs.readdir('/proc/self/fd')).length > before);
    }));

  it('refuses what is no part of a file', () =>
    run(function* () {
      const [left, right] = yield* socketpair();
      expect(() => left.sendFile('x', { offset: -1 })).toThrow(/offset is -1/);
      expect(() => left.sendFile('x', { count: 1.5 })).toThrow(/count is 1.5/);
      expect(() => left.sendFile('x', 5 as never)).toThrow(/options is 5/);
      left.close();
      right.close();
    }));
});

import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { joinall, run, spawn, spawnNow, withTimeout } from 'genlet';
import { StreamServer } from 'genlet/io';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Redis, RedisError } from '../../examples/support/redis.ts';
import { watchHub } from '../support/hub.ts';
import { exampleRunner, has } from './example.ts';
import { closedPort } from './network.ts';

const { start, startExample } = exampleRunner();
const { takeReports } = watchHub();

describe.skipIf(!has('redis-server'))('with a redis-server (Debian: redis-server)', () => {
  let folder: string;
  let port: number;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'redis-'));
    port = await closedPort();
    const server = start('redis-server', ['--port', `${port}`, '--bind', '127.0.0.1', '--save', '', '--dir', folder]);
    await server.line(/Ready to accept connections/);
  });

  afterEach(() => rm(folder, { recursive: true }));

  it('redis-client.ts counts in turn and in one go, and tells an error', async () => {
    const program = startExample('redis-client', '--to', `127.0.0.1:${port}`, '--commands', '1000');
    expect(await program.ended()).toBe(0);
    expect(program.stderr).toBe('');
    expect(program.lines).toEqual([
      expect.stringMatching(/^1000 commands in turn: [\d.]+ s$/),
      expect.stringMatching(/^1000 commands in one go: [\d.]+ s$/),
      'the counter stands at 2000',
      "[ 'wren', 'owl', 'Zaunkönig' ]",
      "[ 'genlet:example:empty', '1' ]",
      'WRONGTYPE Operation against a key holding the wrong kind of value',
    ]);
    const left = execFileSync('redis-cli', ['-p', `${port}`, 'DBSIZE'], { encoding: 'utf8' });
    expect(left.trim()).toBe('0');
  });

  it('replies of all kinds are read', async () => {
    await run(function* () {
      using redis = yield* Redis.connect(port);
      expect(yield* redis.send('SET', 'key', 'two\r\nlines, grüße')).toBe('OK');
      expect(yield* redis.send('GET', 'key')).toBe('two\r\nlines, grüße');
      expect(yield* redis.send('GET', 'none')).toBeNull();
      expect(yield* redis.send('SET', 'empty', '')).toBe('OK');
      expect(yield* redis.send('GET', 'empty')).toBe('');
      expect(yield* redis.send('STRLEN', 'key')).toBe(19);
      expect(yield* redis.send('KEYS', 'no*')).toEqual([]);
      redis.send('MULTI');
      redis.send('SET', 'n', 1);
      redis.send('LPUSH', 'n', 2);
      redis.send('MGET', 'n', 'none');
      expect(yield* redis.send('EXEC')).toEqual(['OK', expect.any(RedisError), ['1', null]]);
    });
  });

  it('a value of several megabytes goes there and back', async () => {
    await run(function* () {
      using redis = yield* Redis.connect(port);
      const long = 'wren '.repeat(1_000_000);
      redis.send('SET', 'long', long);
      expect((yield* redis.send('GET', 'long')) === long).toBe(true);
    });
  });

  it('greenlets share a connection, and each gets its own replies', async () => {
    await run(function* () {
      using redis = yield* Redis.connect(port);
      function* count(key: string) {
        const replies: unknown[] = [];
        for (let n = 0; n < 50; n++) replies.push(yield* redis.send('INCR', key));
        return replies;
      }
      const keys = Array.from({ length: 20 }, (_, index) => `counter ${index}`);
      const greenlets = yield* joinall(keys.map((key) => spawn(count, key)));
      for (const { value } of greenlets) expect(value).toEqual(Array.from({ length: 50 }, (_, index) => index + 1));
    });
  });

  it('a killed or timed-out greenlet leaves the replies of the others where they belong', async () => {
    await run(function* () {
      using redis = yield* Redis.connect(port);
      const killed = spawnNow(() => redis.send('BLPOP', 'nothing', 0.2).get());
      const late = spawn(() => withTimeout(20, () => redis.send('ECHO', 'late'), { value: 'given up' }));
      const patient = spawn(() => redis.send('ECHO', 'patient').get());
      yield* killed.kill();
      expect(yield* late).toBe('given up');
      expect(yield* patient).toBe('patient');
    });
  });

  it('an error reply is thrown where it is asked for', async () => {
    await run(function* () {
      using redis = yield* Redis.connect(port);
      const [wrong, right] = [redis.send('NONSENSE'), redis.send('PING')];
      expect(yield* right).toBe('PONG');
      expect(wrong.exception).toBeInstanceOf(RedisError);
      expect((wrong.exception as Error).message).toMatch(/^ERR unknown command/);
    });
  });
});

describe('the client for Redis', () => {
  it('waits for no reply before it sends the next command', async () => {
    await run(function* () {
      const server = new StreamServer('127.0.0.1:0', function* (socket) {
        const commands: string[] = [];
        while (commands.length < 3) commands.push(`${yield* socket.recvExactly('*1\r\n$1\r\na\r\n'.length)}`.at(-3)!);
        yield* socket.sendall(commands.map((command) => `+${command}\r\n`).join(''));
        yield* socket.readline();
      });
      yield* server.start();
      using redis = yield* Redis.connect(server.address);
      const replies = ['a', 'b', 'c'].map((command) => redis.send(command));
      expect(yield* replies[2]!).toBe('c');
      expect(replies.map(({ value }) => value)).toEqual(['a', 'b', 'c']);
      redis.close();
      yield* server.stop();
    });
  });

  it('fails what is open when the connection is lost, and what comes then', async () => {
    await run(function* () {
      const server = new StreamServer('127.0.0.1:0', function* (socket) {
        yield* socket.recv();
        yield* socket.sendall('$5\r\nhal');
      });
      yield* server.start();
      using redis = yield* Redis.connect(server.address);
      const [first, second] = [redis.send('GET', 'a'), redis.send('GET', 'b')];
      yield* second.wait();
      expect(first.exception).toMatchObject({ code: 'GENLET_INCOMPLETE_READ' });
      expect(second.exception).toBe(first.exception);
      expect(redis.send('PING').exception).toBe(first.exception);
      yield* server.stop();
    });
    expect(await takeReports()).toEqual([]);
  });

  it('fails what is open when it is closed, also at once', async () => {
    await run(function* () {
      let ends = 0;
      const server = new StreamServer('127.0.0.1:0', function* (socket) {
        while ((yield* socket.recv()).length > 0);
        ends++;
      });
      yield* server.start();
      const redis = yield* Redis.connect(server.address);
      const reply = redis.send('PING');
      redis.close();
      yield* reply.wait();
      expect(`${reply.exception}`).toBe('Error: the connection to Redis was closed');
      expect(`${redis.send('PING').exception}`).toBe('Error: the connection to Redis was closed');
      yield* server.stop();
      expect(ends).toBe(1);
    });
  });
});

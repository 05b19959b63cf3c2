import { createServer, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { type Coroutine, joinall, QueueShutDown, run, spawn, spawnNow, withTimeout } from 'genlet';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ConnectionPool } from '../../examples/support/connection-pool.ts';
import { watchHub } from '../support/hub.ts';
import { exampleRunner } from './example.ts';
import { closedPort, listenAt } from './network.ts';

const { startExample } = exampleRunner();
watchHub();

describe('connection-pool.ts', () => {
  it('has the fourth query wait, and replaces the connection of one that was given up', async () => {
    const program = startExample('connection-pool', '--ms', '100');
    expect(await program.ended()).toBe(0);
    expect(program.stderr).toBe('');
    const queries = program.lines.slice(0, 4);
    expect(queries.map((line) => line.split(' by ')[0]).sort()).toEqual(['query 1', 'query 2', 'query 3', 'query 4']);
    const connections = queries.map((line) => line.split(' by ')[1]);
    expect(connections.slice(0, 3).sort()).toEqual(['connection 1', 'connection 2', 'connection 3']);
    expect(queries[3]).toMatch(/^query 4 by connection [123]$/);
    expect(program.lines.slice(4)).toEqual([
      expect.stringMatching(/^4 queries over 3 connections: [\d.]+ s$/),
      'the next by connection 4',
    ]);
  });
});

describe('a pool of connections', () => {
  const server = createServer();
  /** Open connections, by their numbers, and those who were asked and have not answered. */
  let open: Map<number, Socket>;
  let silent: boolean;
  let port: number;

  beforeEach(async () => {
    let count = 0;
    open = new Map();
    silent = false;
    server.removeAllListeners('connection').on('connection', (socket) => {
      const number = ++count;
      open.set(number, socket);
      socket.on('close', () => open.delete(number));
      createInterface(socket).on('line', (line) => {
        if (!silent && socket.writable) socket.write(`${line} by ${number}\n`);
      });
    });
    port = await listenAt(server);
  });

  afterEach(() => {
    for (const socket of open.values()) socket.destroy();
    server.close();
  });

  function* ask(pool: ConnectionPool, text: string) {
    using connection = yield* pool.take();
    return yield* connection.query(text);
  }

  /** The error that a query ends with. */
  function* failureOf(pool: ConnectionPool): Coroutine<unknown> {
    try {
      return `no error, but ${yield* ask(pool, 'x')}`;
    } catch (error) {
      return error;
    }
  }

  it('uses a connection again, and makes no more than it needs', async () => {
    await run(function* () {
      using pool = new ConnectionPool(port, 3);
      expect([yield* ask(pool, 'a'), yield* ask(pool, 'b')]).toEqual(['a by 1', 'b by 1']);
    });
  });

  it('has those wait who find all connections taken', async () => {
    await run(function* () {
      using pool = new ConnectionPool(port, 2);
      const calls = yield* joinall(['a', 'b', 'c', 'd', 'e', 'f'].map((text) => spawn(ask, pool, text)));
      expect(calls.map(({ value }) => value?.[0]).sort()).toEqual(['a', 'b', 'c', 'd', 'e', 'f']);
      expect(open.size).toBe(2);
    });
  });

  it('drops a connection whose answer nobody has waited for', async () => {
    await run(function* () {
      using pool = new ConnectionPool(port, 1);
      silent = true;
      expect(yield* withTimeout(20, () => ask(pool, 'late'), { value: 'given up' })).toBe('given up');
      silent = false;
      expect(yield* ask(pool, 'next')).toBe('next by 2');
    });
  });

  it('loses no place to a server that does not answer, or to a kill', async () => {
    const closed = await closedPort();
    await run(function* () {
      using pool = new ConnectionPool(closed, 1);
      for (const _ of ['once', 'again']) expect(yield* failureOf(pool)).toMatchObject({ code: 'ECONNREFUSED' });
    });
    await run(function* () {
      using pool = new ConnectionPool(port, 1);
      const holder = yield* pool.take();
      const waiting = spawnNow(ask, pool, 'x');
      yield* waiting.kill();
      holder[Symbol.dispose]();
      const asking = spawnNow(ask, pool, 'y');
      yield* asking.kill();
      const connecting = spawnNow(ask, pool, 'y');
      yield* connecting.kill();
      expect(yield* ask(pool, 'z')).toMatch(/^z by/);
    });
  });

  it('is told when the server has closed a connection, and makes a new one', async () => {
    await run(function* () {
      using pool = new ConnectionPool(port, 1);
      expect(yield* ask(pool, 'a')).toBe('a by 1');
      open.get(1)!.end();
      expect(`${yield* failureOf(pool)}`).toBe('Error: the server has closed the connection');
      expect(yield* ask(pool, 'c')).toBe('c by 2');
    });
  });

  it('closes its connections when it is disposed of, and one that is taken when that comes back', async () => {
    await run(function* () {
      const pool = new ConnectionPool(port, 2);
      const taken = yield* pool.take();
      expect(yield* taken.query('a')).toMatch(/^a by /);
      expect(yield* ask(pool, 'b')).toMatch(/^b by /);
      pool[Symbol.dispose]();
      expect(yield* taken.query('c')).toMatch(/^c by /);
      taken[Symbol.dispose]();
      expect(yield* failureOf(pool)).toBeInstanceOf(QueueShutDown);
    });
    await expect.poll(() => open.size).toBe(0);
  });
});

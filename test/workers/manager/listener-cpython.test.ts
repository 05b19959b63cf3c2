/** `Listener` and `Client` as CPython tests them: see test/conformance/rows-processes.md. */
import { ConnectionClosedError, run, spawn, UncloneableError } from 'genlet';
import { activeChildren, Client, type Connection, Listener, Pipe, Process } from 'genlet/workers';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { caught } from '../../support/caught.ts';
import { watchHub } from '../../support/hub.ts';
import * as tasks from '../fixtures/conformance-process-tasks.ts';

vi.setConfig({ testTimeout: 60_000 });
watchHub();

afterEach(() => {
  for (const child of activeChildren()) child.terminate(); // so that it leaves no socket
});

const families = [
  ['a Unix socket', undefined],
  ['TCP', '127.0.0.1:0'],
] as const;

/** A value on its way from a client to the other end, over connections that are closed then. */
function* passOn(listener: Listener, value: unknown) {
  using client = yield* Client(listener.address);
  using server = yield* listener.accept(5000);
  yield* client.send(value);
  return yield* server.recv();
}

describe.each(families)('a Listener at %s', (_, address) => {
  it('has its address alone', async () => {
    await run(function* () {
      using listener = new Listener(address);
      yield* listener.start();
      using second = new Listener(listener.address);
      expect(yield* caught(second.start())).toMatchObject({ code: 'EADDRINUSE' });
      second.close();
      expect(yield* passOn(listener, 'still here')).toBe('still here');
    });
  });

  it('takes no more connections after a block that uses it', async () => {
    await run(function* () {
      const listener = new Listener(address);
      {
        using used = listener;
        yield* used.start();
        expect(yield* passOn(used, 1729)).toBe(1729);
      }
      expect(yield* caught(listener.accept())).toBeInstanceOf(ConnectionClosedError);
      expect(['ENOENT', 'ECONNREFUSED']).toContain((yield* caught(Client(listener.address))).code);
    });
  });

  it('has its clients polled for what was sent as soon as they were accepted', async () => {
    await run(function* () {
      using listener = new Listener(address);
      yield* listener.start();
      using client = yield* Client(listener.address);
      using server = yield* listener.accept();
      yield* server.send(Buffer.from('hello'));
      expect(yield* client.poll(5000)).toBe(true);
      expect(String(yield* client.recv())).toBe('hello');
    });
  });

  it('accepts a connection that was used and closed before, with all that came over it', async () => {
    await run(function* () {
      using listener = new Listener(address);
      yield* listener.start();
      const client = yield* Client(listener.address);
      yield* client.send('hello');
      client.close();
      using server = yield* listener.accept(5000);
      expect(yield* server.recv()).toBe('hello');
    });
  });
});

describe('a Listener', () => {
  it('is found by processes of the program, wherever it is, by the key that they have in common', async () => {
    await run(function* () {
      const listeners = families.map(([, address]) => new Listener(address));
      try {
        for (const listener of listeners) yield* listener.start();
        const child = new Process(
          tasks.greet,
          listeners.map(({ address }) => address),
        );
        child.start();
        for (const listener of listeners) {
          using connection = yield* listener.accept(30_000);
          expect(yield* connection.recv()).toBe('hello');
        }
        yield* child.join();
        expect(child.exitcode).toBe(0);
        yield* caught(Client(listeners[0]!.address, { authkey: 'another' }));
        expect(listeners.map(({ refused }) => refused)).toEqual([1, 0]);
      } finally {
        for (const listener of listeners) listener.close();
      }
    });
  });

  it('goes on to wait when a signal comes', async () => {
    await run(function* () {
      const [here, there] = Pipe();
      const child = new Process(tasks.welcome, [there]);
      child.start();
      const address = yield* here.recv();
      process.kill(child.pid!, 'SIGUSR2'); // while it accepts
      const greeting = spawn(function* () {
        using connection = yield* Client(address);
        return yield* connection.recv();
      });
      expect(yield* greeting).toBe(1);
      yield* child.join();
      expect(child.exitcode).toBe(0);
    });
  });

  it.runIf(process.platform === 'linux')('may be at an abstract socket', async () => {
    await run(function* () {
      const path = `\0genlet-test-${process.pid}`;
      using listener = new Listener({ path });
      yield* listener.start();
      expect(listener.address.path).toBe(path);
      expect(yield* passOn(listener, 1729)).toBe(1729);
      listener.close();
      expect(yield* caught(Client({ path }))).toMatchObject({ code: 'ECONNREFUSED' });
    });
  });

  it('refuses an address of another system, and a key that is none', () => {
    expect(() => new Listener('\\\\.\\test')).toThrow(TypeError);
    expect(() => new Listener(undefined, { authkey: Buffer.alloc(0) })).toThrow('authkey is');
    expect(() => Client('127.0.0.1:1', { authkey: '' })).toThrow("authkey is ''");
  });

  it('gives connections that stay in their process', async () => {
    await run(function* () {
      using listener = new Listener();
      yield* listener.start();
      using client: Connection = yield* Client(listener.address);
      using server: Connection = yield* listener.accept();
      const [one, other] = Pipe();
      expect(yield* caught(one.send([server]))).toMatchObject({ code: 'GENLET_UNCLONEABLE', path: 'value[0]' });
      expect(() => new Process(tasks.welcome, [client]).start()).toThrow('args[0] is of class Connection');
      expect(yield* caught(client.send(server))).toBeInstanceOf(UncloneableError);
      expect(yield* other.poll()).toBe(false);
      yield* client.send('it still works');
      expect(yield* server.recv()).toBe('it still works');
    });
  });
});

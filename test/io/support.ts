/** What the tests of sockets share: a connected pair, and a look at what is left behind. */
import { pbkdf2 } from 'node:crypto';
import { promisify } from 'node:util';
import { type Coroutine, type Greenlet, type Operation, run, sleep } from 'genlet';
import { createConnection, type ListenOptions, listen, type Socket } from 'genlet/io';
import { afterEach, beforeEach, expect } from 'vitest';
import { hub, nextTurn } from '../support/hub.ts';

/** A client and the server's side of its connection. */
export function* pair(options: ListenOptions = {}): Coroutine<[client: Socket, server: Socket]> {
  using listener = yield* listen('127.0.0.1:0', options);
  const client = yield* createConnection(listener.address, options);
  return [client, yield* listener.accept()];
}

/** Runs `main` with a pair, which is closed afterwards. */
export function withPair<T>(main: (client: Socket, server: Socket) => Coroutine<T>): Promise<T> {
  return run(function* () {
    const [client, server] = yield* pair();
    try {
      return yield* main(client, server);
    } finally {
      client.abort();
      server.abort();
    }
  });
}

/** What an operation throws. */
export function* thrown(operation: Operation<unknown>): Coroutine<any> {
  try {
    yield* operation;
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}

/** What each of the calls throws at once, as text. */
export function errorsOf(calls: readonly (() => unknown)[]): string[] {
  return calls.map((call) => {
    try {
      call();
    } catch (error) {
      return String(error);
    }
    return 'nothing was thrown';
  });
}

/** Lets a greenlet run until it is blocked on something outside. */
export function* untilBlocked(greenlet: Greenlet<any>): Coroutine<void> {
  while (!greenlet.isBlocked() && !greenlet.dead) yield* sleep(0);
}

/** Keeps the threads busy that look up names, so that connecting to a name takes long; until the promise is kept. */
export function blockLookups(): Promise<unknown> {
  const threads = Number(process.env.UV_THREADPOOL_SIZE ?? 4);
  const derive = promisify(pbkdf2);
  return Promise.all(Array.from({ length: threads }, () => derive('a', 'b', 300_000, 32, 'sha512')));
}

/** Waits until `condition` holds, for at most 5 s. */
export function* eventually(condition: () => boolean): Coroutine<void> {
  for (const end = performance.now() + 5000; !condition(); ) {
    if (performance.now() > end) throw new Error(`it never came to pass: ${condition}`);
    yield* sleep(1);
  }
}

/**
 * After each test of the file: no socket, server or request is left, nobody counts as waiting for something outside, and
 * Node has warned of nothing. Used together with `watchHub`.
 */
export function watchResources(): void {
  const warnings: Error[] = [];
  const warn = (warning: Error) => void warnings.push(warning);
  let before: string[] = [];
  beforeEach(() => {
    process.on('warning', warn);
    before = resources();
  });
  afterEach(async () => {
    const end = performance.now() + 2000; // closing takes some turns of the event loop
    while (performance.now() < end && String(resources()) !== String(before)) await nextTurn();
    process.off('warning', warn);
    expect({ resources: resources(), outside: hub.outside, warnings }).toEqual({
      resources: before,
      outside: 0,
      warnings: [],
    });
  });
}

/** Those that are open; timers and pipes are vitest's too. */
function resources(): string[] {
  return process.getActiveResourcesInfo().filter((name) => /TCP|Connect|GetAddr|Shutdown/.test(name));
}

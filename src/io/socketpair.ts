/** `socketpair`: two sockets that are connected with each other. */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { composite } from '../core/dev.ts';
import type { Coroutine, Operation } from '../core/operation.ts';
import { createConnection } from './connect.ts';
import { listen } from './listener.ts';
import type { Socket } from './socket.ts';

/**
 * Gives two sockets that are connected with each other: Unix sockets, or on Windows named pipes. Node can't ask the system
 * for a pair, so they meet in a folder that only this user can enter, and that is gone when they have. Suspends; a kill
 * leaves nothing behind. Follows `socket.socketpair`.
 *
 * @throws the system's error, with `code` `EMFILE`, …
 *
 * @example
 * ```ts
 * import { run } from 'genlet';
 * import { socketpair } from 'genlet/io';
 *
 * await run(function* () {
 *   const [left, right] = yield* socketpair();
 *   yield* left.sendall('hello');
 *   left.close();
 *   console.log(String(yield* right.recv()), (yield* right.recv()).length); // => hello 0
 *   right.close();
 * });
 * ```
 */
export function socketpair(): Operation<[Socket, Socket]> {
  return composite(
    'socketpair()',
    process.platform === 'win32' ? meet(`\\\\.\\pipe\\${randomUUID()}`) : meetInFolder(),
  );
}

function* meetInFolder(): Coroutine<[Socket, Socket]> {
  const folder = mkdtempSync(join(tmpdir(), 'genlet-pair-'));
  try {
    return yield* meet(join(folder, 'socket'));
  } finally {
    rmdirSync(folder);
  }
}

function* meet(path: string): Coroutine<[Socket, Socket]> {
  using listener = yield* listen({ path });
  const left = yield* createConnection({ path });
  // Without another descriptor, the other half is closed at once by the system, and nobody is told.
  const giveUp = () => listener.close();
  left.stream.once('end', giveUp);
  try {
    return [left, yield* listener.accept()];
  } catch (error) {
    left.close();
    throw listener.closed ? outOfDescriptors() : error;
  } finally {
    left.stream.off('end', giveUp);
  }
}

function outOfDescriptors(): Error {
  return Object.assign(new Error('socketpair(): this process may have no more descriptors'), { code: 'EMFILE' });
}

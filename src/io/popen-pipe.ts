/**
 * A pipe whose far end can be given to a process twice, as its stdout and its stderr: Node has no such thing, for it makes
 * the pipes of a process itself, one for each. It is a pair of Unix sockets, as Node's own pipes are.
 */
import { randomBytes } from 'node:crypto';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { race } from '../core/combine.ts';
import { fromEvent } from '../core/from-event.ts';
import type { Coroutine } from '../core/operation.ts';

/** @internal */
export interface Pipe {
  /** To read from. */
  readonly near: Socket;
  /** To be given away by its descriptor, and then destroyed. */
  readonly far: Socket;
  readonly fd: number;
}

function outOfDescriptors(): Error {
  const error = new Error('accept EMFILE: no descriptor is left for a pipe to the process');
  return Object.assign(error, { code: 'EMFILE', syscall: 'accept' });
}

/** Makes a pipe. Suspends; a kill takes it back. @internal */
export function* makePipe(): Coroutine<Pipe> {
  const server = createServer({ pauseOnConnect: true });
  let near: Socket | undefined;
  let far: Socket | undefined;
  server.on('connection', (socket) => {
    far = socket;
  });
  try {
    const path = join(tmpdir(), `genlet-${randomBytes(8).toString('hex')}`);
    server.listen(path);
    yield* fromEvent(server, 'listening');
    near = connect(path);
    yield* fromEvent(near, 'connect');
    if (far === undefined) {
      // The system drops the connection, and says nothing, if there is no descriptor left for it.
      yield* race([fromEvent(server, 'connection'), fromEvent(near, 'close')]);
      if (far === undefined) throw outOfDescriptors();
    }
    const { fd } = (far as unknown as { _handle: { fd: number } })._handle;
    return { near, far: far!, fd };
  } catch (error) {
    near?.destroy();
    far?.destroy();
    throw error;
  } finally {
    server.close();
  }
}

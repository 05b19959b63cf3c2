/** `Socket.sendFile`: Node has no `sendfile`, so the file is read piece by piece, and the peer's pace is the reader's. */
import type { PathLike } from 'node:fs';
import { checkInteger, checkOptions } from '../core/check.ts';
import type { Coroutine } from '../core/operation.ts';
import { File, open } from './file.ts';
import type { Socket, TransferOptions } from './socket.ts';

/** Options of `Socket.sendFile`. */
export interface SendFileOptions extends TransferOptions {
  /** Where in the file to begin, in bytes: at its position by default, which is 0 for a path. */
  readonly offset?: number | undefined;
  /** How many bytes to send at most: all to the end of the file by default. */
  readonly count?: number | undefined;
}

/** Large enough for the system's calls to cost little, small enough for many transfers at a time. */
const PIECE = 262_144;

/** Checks the arguments, and gives the coroutine that does it. @internal */
export function sendFile(socket: Socket, file: File | PathLike, options: SendFileOptions): Coroutine<number> {
  checkOptions(options, '{ count: 1000 }');
  const { offset, count = Number.POSITIVE_INFINITY } = options;
  if (offset !== undefined) checkInteger('offset', offset, 0);
  if (options.count !== undefined) checkInteger('count', options.count, 0);
  return file instanceof File
    ? copy(file, socket, offset, count, options)
    : openAndCopy(file, socket, offset, count, options);
}

function* openAndCopy(path: PathLike, socket: Socket, offset = 0, count: number, options: TransferOptions) {
  using file = yield* open(path);
  return yield* copy(file, socket, offset, count, options);
}

function* copy(
  file: File,
  socket: Socket,
  offset: number | undefined,
  count: number,
  options: TransferOptions,
): Coroutine<number> {
  if (offset !== undefined) yield* file.seek(offset);
  let sent = 0;
  while (sent < count) {
    const piece = yield* file.read(Math.min(PIECE, count - sent));
    if (piece.length === 0) break;
    yield* socket.sendall(piece, options);
    sent += piece.length;
  }
  return sent;
}

/** `pipe`: copies bytes from anything that is read to anything that is written. */
import { checkInteger, show } from '../core/check.ts';
import { composite } from '../core/dev.ts';
import type { Coroutine, Operation } from '../core/operation.ts';
import { File } from './file.ts';

/** What bytes come from: a `File`, a `Reader`, a `Socket`. An empty piece is the end. */
export type ByteSource =
  | {
      /** Gives at most `n` bytes, none at the end. */
      readonly read: (n: number) => Operation<Uint8Array>;
    }
  | {
      /** Gives at most `n` bytes, none at the end. */
      readonly recv: (n: number) => Operation<Uint8Array>;
    };

/** What bytes go to: a `File`, a `Writer`, a `Socket`. */
export type ByteSink =
  | {
      /** Takes all of them. */
      readonly write: (bytes: Uint8Array) => Operation<unknown>;
    }
  | {
      /** Takes all of them. */
      readonly sendall: (bytes: Uint8Array) => Operation<unknown>;
    };

/** Options of `pipe`. */
export interface PipeOptions {
  /** How many bytes are read at most before they are written: 262,144 by default. */
  readonly chunkSize?: number | undefined;
}

/**
 * Copies all that can be read from `reader` to `writer`, and gives the number of bytes. It reads on when a piece is
 * written, so that a slow writer holds up the reader. Both stay open. Suspends as they do; a kill between reading and
 * writing loses at most the one piece that was read. Follows `shutil.copyfileobj` and `stream.pipeline`.
 *
 * @throws what `reader` or `writer` throws
 * @example
 * ```ts
 * import { run } from 'genlet';
 * import { fs, open, pipe } from 'genlet/io';
 *
 * await run(function* () {
 *   using source = yield* open('/tmp/example-pipe.txt', 'w+');
 *   yield* source.write('some bytes');
 *   yield* source.seek(0);
 *   using copy = yield* open('/tmp/example-pipe-copy.txt', 'w');
 *   console.log(yield* pipe(source, copy)); // => 10
 *   yield* fs.unlink(source.path);
 *   yield* fs.unlink(copy.path);
 * });
 * ```
 */
export function pipe(reader: ByteSource, writer: ByteSink, options: PipeOptions = {}): Operation<number> {
  const read = method(reader, 'read', 'recv') ?? missing('reader', reader, 'read(n) or recv(n)');
  const write = method(writer, 'sendall', 'write') ?? missing('writer', writer, 'write(bytes) or sendall(bytes)');
  const chunkSize = checkInteger('chunkSize', options.chunkSize ?? 262_144, 1);
  const copying = reader instanceof File ? copyFile(reader, writer, write, chunkSize) : copy(read, write, chunkSize);
  return composite('pipe()', copying);
}

type Call = (argument: unknown) => Operation<any>;

function method(object: unknown, ...names: string[]): Call | undefined {
  const methods = object as Record<string, Call> | null | undefined;
  const name = names.find((name) => typeof methods?.[name] === 'function');
  return name === undefined ? undefined : (argument) => methods![name]!(argument);
}

function missing(name: string, value: unknown, wanted: string): never {
  throw new TypeError(`${name} is ${show(value)}: give something with ${wanted}`);
}

function* copy(read: Call, write: Call, chunkSize: number): Coroutine<number> {
  for (let count = 0; ; ) {
    const bytes: Uint8Array = yield* read(chunkSize);
    if (bytes.length === 0) return count;
    yield* write(bytes);
    count += bytes.length;
  }
}

/** The next piece is read while one is written. */
function* copyFile(reader: File, writer: ByteSink, write: Call, chunkSize: number): Coroutine<number> {
  for (let count = 0; ; ) {
    const bytes = yield* reader.read(chunkSize);
    if (bytes.length === 0) return count;
    reader.readAhead(chunkSize);
    yield* write(bytes);
    count += bytes.length;
    if (writer instanceof File) reader.giveBack(bytes); // others may not be done with them
  }
}

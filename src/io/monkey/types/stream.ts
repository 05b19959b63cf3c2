/**
 * Streams for `yield*`, and `finished` and `pipeline` without callbacks.
 *
 * A stream gives `unknown`, not `void`: sockets and requests are streams too, and give something else.
 */
import type { finished, PipelineSource, PipelineTransform } from 'node:stream';
import type { Suspension } from '../../../core/operation.ts';
import type { Started } from '../started.ts';

type Finished = Parameters<typeof finished.__promisify__>;
type Streams = readonly (NodeJS.ReadableStream | NodeJS.WritableStream | NodeJS.ReadWriteStream)[];

declare module 'node:stream' {
  interface Readable {
    /** In a greenlet, `yield* stream` waits until the stream has ended, as `finished` does. */
    [Symbol.iterator](): Iterator<Suspension, unknown, any>;
  }
  interface Writable {
    /** In a greenlet, `yield* stream` waits until the stream is finished, as `finished` does. */
    [Symbol.iterator](): Iterator<Suspension, unknown, any>;
  }

  function finished(
    stream: Finished[0],
    options: FinishedOptions,
    callback: (err?: NodeJS.ErrnoException | null) => void,
  ): () => void;
  function finished(stream: Finished[0], callback: (err?: NodeJS.ErrnoException | null) => void): () => void;
  /** In a greenlet: `yield*` waits until the stream has ended. */
  function finished(stream: Finished[0], options?: FinishedOptions): Started<void>;
  function finished(stream: Finished[0], callback: (err?: NodeJS.ErrnoException | null) => void): () => void;

  function pipeline(streams: Streams, callback: (err: NodeJS.ErrnoException | null) => void): NodeJS.WritableStream;
  /** In a greenlet: `yield*` waits until all went through. The last stream can't be a function: it would be the callback. */
  function pipeline<A extends PipelineSource<any>>(source: A, destination: NodeJS.WritableStream): Started<void>;
  function pipeline<A extends PipelineSource<any>, T1 extends PipelineTransform<A, any>>(
    source: A,
    transform1: T1,
    destination: NodeJS.WritableStream,
  ): Started<void>;
  function pipeline<
    A extends PipelineSource<any>,
    T1 extends PipelineTransform<A, any>,
    T2 extends PipelineTransform<T1, any>,
  >(source: A, transform1: T1, transform2: T2, destination: NodeJS.WritableStream): Started<void>;
  function pipeline<
    A extends PipelineSource<any>,
    T1 extends PipelineTransform<A, any>,
    T2 extends PipelineTransform<T1, any>,
    T3 extends PipelineTransform<T2, any>,
  >(source: A, transform1: T1, transform2: T2, transform3: T3, destination: NodeJS.WritableStream): Started<void>;
  function pipeline(streams: Streams): Started<void>;
  // Not the last form of Node, which is so general that it would be taken for every call.
  function pipeline(streams: Streams, callback: (err: NodeJS.ErrnoException | null) => void): NodeJS.WritableStream;
}

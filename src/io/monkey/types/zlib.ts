/** The calls of `node:zlib` that came with Node 22.15. With older types they take no argument that could be given. */
import type { CompressCallback, InputType } from 'node:zlib';
import type { Started } from '../started.ts';
import type { NotInThisNode } from './not-in-this-node.ts';

type Options<F> = F extends (data: never, options?: infer O) => unknown ? O : never;
type Zlib = typeof import('node:zlib');
type Input = Zlib extends { zstdCompressSync: unknown } ? InputType : NotInThisNode;
type Zstd = Zlib extends { zstdCompressSync: infer F } ? Exclude<Options<F>, undefined> : NotInThisNode;
type Bytes = ReturnType<typeof Buffer.alloc>;

declare module 'node:zlib' {
  export function zstdCompress(buf: Input, callback: CompressCallback): void;
  export function zstdCompress(buf: Input, options?: Zstd): Started<Bytes>;
  export function zstdCompress(buf: Input, callback: CompressCallback): void;
  export function zstdCompress(buf: Input, options: Zstd, callback: CompressCallback): void;

  export function zstdDecompress(buf: Input, callback: CompressCallback): void;
  export function zstdDecompress(buf: Input, options?: Zstd): Started<Bytes>;
  export function zstdDecompress(buf: Input, callback: CompressCallback): void;
  export function zstdDecompress(buf: Input, options: Zstd, callback: CompressCallback): void;
}

/** `node:zlib` without callbacks. Written by scripts/monkey-types.ts: `npm run monkey-types`. */
// biome-ignore-all format: generated
import type { NonSharedBuffer } from 'node:buffer';
import type { BrotliOptions, CompressCallback, InputType, ZlibOptions } from 'node:zlib';
import type { Started } from '../started.ts';

declare module 'node:zlib' {
  export function brotliCompress(buf: InputType, callback: CompressCallback): void;
  export function brotliCompress(buf: InputType, options: BrotliOptions): Started<NonSharedBuffer>;
  export function brotliCompress(buf: InputType): Started<NonSharedBuffer>;
  export function brotliCompress(buf: InputType, options: BrotliOptions, callback: CompressCallback): void;
  export function brotliCompress(buf: InputType, callback: CompressCallback): void;
  export function brotliDecompress(buf: InputType, callback: CompressCallback): void;
  export function brotliDecompress(buf: InputType, options: BrotliOptions): Started<NonSharedBuffer>;
  export function brotliDecompress(buf: InputType): Started<NonSharedBuffer>;
  export function brotliDecompress(buf: InputType, options: BrotliOptions, callback: CompressCallback): void;
  export function brotliDecompress(buf: InputType, callback: CompressCallback): void;
  export function deflate(buf: InputType, callback: CompressCallback): void;
  export function deflate(buf: InputType): Started<NonSharedBuffer>;
  export function deflate(buf: InputType, options: ZlibOptions): Started<NonSharedBuffer>;
  export function deflate(buf: InputType, callback: CompressCallback): void;
  export function deflate(buf: InputType, options: ZlibOptions, callback: CompressCallback): void;
  export function deflateRaw(buf: InputType, callback: CompressCallback): void;
  export function deflateRaw(buf: InputType): Started<NonSharedBuffer>;
  export function deflateRaw(buf: InputType, options: ZlibOptions): Started<NonSharedBuffer>;
  export function deflateRaw(buf: InputType, callback: CompressCallback): void;
  export function deflateRaw(buf: InputType, options: ZlibOptions, callback: CompressCallback): void;
  export function gzip(buf: InputType, callback: CompressCallback): void;
  export function gzip(buf: InputType): Started<NonSharedBuffer>;
  export function gzip(buf: InputType, options: ZlibOptions): Started<NonSharedBuffer>;
  export function gzip(buf: InputType, callback: CompressCallback): void;
  export function gzip(buf: InputType, options: ZlibOptions, callback: CompressCallback): void;
  export function gunzip(buf: InputType, callback: CompressCallback): void;
  export function gunzip(buf: InputType): Started<NonSharedBuffer>;
  export function gunzip(buf: InputType, options: ZlibOptions): Started<NonSharedBuffer>;
  export function gunzip(buf: InputType, callback: CompressCallback): void;
  export function gunzip(buf: InputType, options: ZlibOptions, callback: CompressCallback): void;
  export function inflate(buf: InputType, callback: CompressCallback): void;
  export function inflate(buf: InputType): Started<NonSharedBuffer>;
  export function inflate(buf: InputType, options: ZlibOptions): Started<NonSharedBuffer>;
  export function inflate(buf: InputType, callback: CompressCallback): void;
  export function inflate(buf: InputType, options: ZlibOptions, callback: CompressCallback): void;
  export function inflateRaw(buf: InputType, callback: CompressCallback): void;
  export function inflateRaw(buf: InputType): Started<NonSharedBuffer>;
  export function inflateRaw(buf: InputType, options: ZlibOptions): Started<NonSharedBuffer>;
  export function inflateRaw(buf: InputType, callback: CompressCallback): void;
  export function inflateRaw(buf: InputType, options: ZlibOptions, callback: CompressCallback): void;
  export function unzip(buf: InputType, callback: CompressCallback): void;
  export function unzip(buf: InputType): Started<NonSharedBuffer>;
  export function unzip(buf: InputType, options: ZlibOptions): Started<NonSharedBuffer>;
  export function unzip(buf: InputType, callback: CompressCallback): void;
  export function unzip(buf: InputType, options: ZlibOptions, callback: CompressCallback): void;
  interface Zlib {
    close(): Started<void>;
    close(callback?: () => void): void;
    flush(kind?: number): Started<void>;
    flush(): Started<void>;
    flush(kind: number | undefined, callback: () => void): void;
    flush(callback?: () => void): void;
  }
  interface ZlibParams {
    params(level: number, strategy: number): Started<void>;
    params(level: number, strategy: number, callback: () => void): void;
  }
}

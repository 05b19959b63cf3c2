/**
 * The types of `fs`, made from those of `node:fs`, so that they are those of the Node that is installed.
 *
 * Each overload that ends in a callback is turned into one that gives an operation of what the callback is given. (The
 * promise forms that `@types/node` has under `__promisify__` know less: no `signal`, no `recursive`.) Type parameters do
 * not survive that, so the functions that have some are written out.
 */
import type * as native from 'node:fs';
import type { Operation } from '../core/operation.ts';

type Native = typeof native;
type View = NodeJS.ArrayBufferView;

/** What is left of an overload without its callback; `unknown`, which disappears from an intersection, if it has none. */
type Call<A extends unknown[]> =
  Required<A> extends [...infer P, (error: any, ...values: infer V) => any]
    ? (...args: P) => Operation<V extends [] ? void : V[0]>
    : unknown;

/** A function that takes a callback as one that gives an operation, overload by overload (eight at most). */
export type AsOperation<F> = F extends {
  (...args: infer A1): void;
  (...args: infer A2): void;
  (...args: infer A3): void;
  (...args: infer A4): void;
  (...args: infer A5): void;
  (...args: infer A6): void;
  (...args: infer A7): void;
  (...args: infer A8): void;
}
  ? Call<A1> & Call<A2> & Call<A3> & Call<A4> & Call<A5> & Call<A6> & Call<A7> & Call<A8>
  : never;

/** The names of the functions that take a callback: those with a `…Sync` twin, whose types can be derived. */
type PlainName = {
  [K in keyof Native]: K extends string ? (`${K}Sync` extends keyof Native ? K : never) : never;
}[keyof Native];

/** Every callback function of `node:fs` as `yield*` performs it, but for those in `OtherFunctions`. */
export type PlainFunctions = {
  readonly [K in Exclude<PlainName, keyof OtherFunctions | 'glob' | 'openAsBlob'>]: AsOperation<Native[K]>;
};

/** Which part of a buffer is meant, and where it lies in the file; `null` is the current position. */
export interface Piece {
  readonly offset?: number | null | undefined;
  readonly length?: number | null | undefined;
  readonly position?: number | bigint | null | undefined;
}

/** The functions whose types can't be derived. */
export interface OtherFunctions {
  /** As `fs.exists`. */
  exists(path: native.PathLike): Operation<boolean>;
  /** As `fs.read`. */
  read<B extends View>(
    fd: number,
    buffer: B,
    offset?: number | null,
    length?: number | null,
    position?: number | bigint | null,
  ): Operation<{ bytesRead: number; buffer: B }>;
  read<B extends View>(fd: number, buffer: B, options: Piece): Operation<{ bytesRead: number; buffer: B }>;
  read<B extends View = Buffer>(
    fd: number,
    options?: Piece & { readonly buffer?: B | undefined },
  ): Operation<{ bytesRead: number; buffer: B }>;
  /** As `fs.readv`. */
  readv<B extends readonly View[]>(
    fd: number,
    buffers: B,
    position?: number | null,
  ): Operation<{ bytesRead: number; buffers: B }>;
  /** As `fs.realpath`; `native` asks the system. */
  readonly realpath: AsOperation<typeof native.realpath> & {
    readonly native: AsOperation<typeof native.realpath.native>;
  };
  /** As `fs.write`. */
  write<B extends View>(
    fd: number,
    buffer: B,
    offset?: number | null,
    length?: number | null,
    position?: number | null,
  ): Operation<{ bytesWritten: number; buffer: B }>;
  write<B extends View>(fd: number, buffer: B, options: Piece): Operation<{ bytesWritten: number; buffer: B }>;
  write(
    fd: number,
    string: string,
    position?: number | null,
    encoding?: BufferEncoding | null,
  ): Operation<{ bytesWritten: number; buffer: string }>;
  /** As `fs.writev`. */
  writev<B extends readonly View[]>(
    fd: number,
    buffers: B,
    position?: number | null,
  ): Operation<{ bytesWritten: number; buffers: B }>;
}

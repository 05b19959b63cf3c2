/**
 * Values as bytes, in a format of our own: a tag, and what it says follows it. The `Encoder` writes it, the `Decoder` reads it.
 *
 * It is spoken where the other side may be another version of Node, or is not to be trusted as far as V8's own format would
 * ask for: no class, no prototype and no code comes out of it, each length is checked against the bytes that are there, and
 * depth and number of values are limited. It carries what a structured clone carries, and errors by `packError`. An object
 * of a class of the program arrives as a plain one, as there. Views of one `ArrayBuffer` arrive with a buffer each.
 */

/** The tags. A byte from `SMALL` on is a whole number from 0 on. @internal */
export const Tag = {
  UNDEFINED: 0,
  NULL: 1,
  TRUE: 2,
  FALSE: 3,
  INT: 4,
  DOUBLE: 5,
  BIGINT: 6,
  LATIN1: 7,
  UTF8: 8,
  UTF16: 9,
  DATE: 10,
  REGEXP: 11,
  ARRAY: 12,
  SPARSE: 13,
  OBJECT: 14,
  MAP: 15,
  SET: 16,
  BUFFER: 17,
  VIEW: 18,
  BYTES: 19,
  ERROR: 20,
  REFERENCE: 21,
  BOXED: 22,
  SPECIAL: 23,
  /** A list of whole numbers of 32 bits, and one of numbers. */
  INTS: 24,
  DOUBLES: 25,
  SMALL: 64,
} as const;

/** The kinds of views, by their number. @internal */
export const VIEWS = [
  Int8Array,
  Uint8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
  DataView,
] as const;

/** What a codec does with objects that are more than data, such as proxies. @internal */
export interface Specials {
  /** What stands for it; `undefined` if it is nothing special. */
  pack(value: object): unknown;
  /** @throws what stands there is nothing that `pack` has made */
  unpack(packed: unknown): unknown;
}

/** Bounds of what is read. @internal */
export interface CodecLimits {
  /** How deep values may lie in each other. */
  readonly depth: number;
  /** How many values one may consist of: each takes a byte at least here, and far more in memory. */
  readonly values: number;
}

/** What a `Decoder` is bound by, unless something else is said. @internal */
export const CODEC_LIMITS: CodecLimits = { depth: 500, values: 5_000_000 };

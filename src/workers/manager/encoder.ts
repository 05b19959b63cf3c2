/** Writes values as bytes: see `codec-format.ts`. */
import { types } from 'node:util';
import { show } from '../../core/check.ts';
import { UncloneableError } from '../../core/errors.ts';
import { packError } from '../packed-error.ts';
import { nameOf, objection } from '../uncloneable.ts';
import { CODEC_LIMITS, type CodecLimits, type Specials, Tag, VIEWS } from './codec-format.ts';

// Constants of this module, not an imported binding: see `State`.
const {
  UNDEFINED,
  NULL,
  TRUE,
  FALSE,
  INT,
  DOUBLE,
  BIGINT,
  LATIN1,
  UTF8,
  UTF16,
  DATE,
  REGEXP,
  ARRAY,
  SPARSE,
  OBJECT,
  MAP,
  SET,
  BUFFER,
  VIEW,
  BYTES,
  ERROR,
  REFERENCE,
  BOXED,
  SPECIAL,
  INTS,
  DOUBLES,
  SMALL,
} = Tag;
const SMALL_NUMBERS = 256 - SMALL;

/** Strings up to this length are written character by character: a call of native code costs more. */
const SHORT = 48;

/** Lists of so many items are looked through for being nothing but numbers. */
const NUMBERS = 16;

/** Memory for frames; one that had to be larger than `LARGEST_KEPT` is not kept for the next. */
const SLAB = 65_536;
const LARGEST_KEPT = 1_048_576;

const { isWellFormed } = String.prototype as unknown as { isWellFormed(this: string): boolean };

/** A value can't be sent: it is a function, a symbol, a promise, a lock, … or too deep. */
class Uncodable extends Error {
  readonly culprit: unknown;
  /** What to do instead, if that is known. */
  readonly hint: string | undefined;
  constructor(culprit: unknown, reason: string, hint?: string) {
    super(reason);
    this.culprit = culprit;
    this.hint = hint;
  }
}

/**
 * Writes values behind each other into one frame after the other. The bytes of a frame that was taken are never touched
 * again, so that they need no copy. @internal
 */
export class Encoder {
  readonly #specials: Specials | undefined;
  readonly #limits: CodecLimits;
  #memory: Buffer = Buffer.allocUnsafeSlow(16_384);
  #view: DataView = viewOf(this.#memory);
  #start = 0;
  #at = 0;
  readonly #seen = new Map<object, number>();

  constructor(specials?: Specials, limits: CodecLimits = CODEC_LIMITS) {
    this.#specials = specials;
    this.#limits = limits;
  }

  /** Bytes of the frame so far. */
  get length(): number {
    return this.#at - this.#start;
  }

  /** Begins a frame, with `room` bytes in front that the caller fills in. */
  begin(room: number): void {
    if (this.#memory.length > LARGEST_KEPT) this.#replace(SLAB);
    this.#start = this.#at;
    this.#ensure(room);
    this.#at += room;
  }

  /** The frame, which is complete. */
  take(): Buffer {
    return this.#memory.subarray(this.#start, this.#at);
  }

  /** Takes back what was written since the frame had `length` bytes. */
  rewind(length: number): void {
    this.#at = this.#start + length;
  }

  /** Adds a whole number from 0 to 255. */
  byte(value: number): void {
    this.#ensure(1);
    this.#memory[this.#at++] = value;
  }

  /** Adds a whole number from 0 on, of 53 bits at most. */
  count(value: number): void {
    this.#ensure(8);
    let at = this.#at;
    let left = value;
    for (; left >= 128; left = Math.floor(left / 128)) this.#memory[at++] = (left % 128) | 128;
    this.#memory[at++] = left;
    this.#at = at;
  }

  /**
   * Adds a value; if it can't be, nothing is added.
   *
   * @throws {UncloneableError} it contains what can't be sent; the message says where
   */
  value(value: unknown, name: string): void {
    const { length } = this;
    try {
      this.#put(value, this.#limits.depth);
    } catch (error) {
      this.rewind(length);
      if (error instanceof Uncodable) throw cannotBeSent(error, value, name);
      throw error;
    } finally {
      if (this.#seen.size > 0) this.#seen.clear();
    }
  }

  #ensure(room: number): void {
    if (this.#at + room <= this.#memory.length) return;
    const [memory, start, at] = [this.#memory, this.#start, this.#at];
    this.#replace(Math.max(SLAB, 2 * (at - start + room)));
    memory.copy(this.#memory, 0, start, at);
    this.#at = at - start;
  }

  #replace(size: number): void {
    this.#memory = Buffer.allocUnsafeSlow(size);
    this.#view = viewOf(this.#memory);
    this.#start = this.#at = 0;
  }

  #put(value: unknown, depth: number): void {
    switch (typeof value) {
      case 'number':
        this.#number(value);
        return;
      case 'string':
        this.#string(value);
        return;
      case 'boolean':
        this.byte(value ? TRUE : FALSE);
        return;
      case 'undefined':
        this.byte(UNDEFINED);
        return;
      case 'bigint':
        this.byte(BIGINT);
        this.byte(value < 0n ? 1 : 0);
        this.#string((value < 0n ? -value : value).toString(16));
        return;
      case 'object':
        if (value === null) this.byte(NULL);
        else this.#object(value, depth);
        return;
      default:
        throw new Uncodable(value, `is ${typeof value === 'symbol' ? 'a symbol' : `the function ${show(value)}`}`);
    }
  }

  #number(value: number): void {
    this.#ensure(9);
    const at = this.#at;
    const whole = isInt(value);
    if (whole && value >= 0 && value < SMALL_NUMBERS) {
      this.#memory[at] = SMALL + value;
      this.#at = at + 1;
    } else if (whole) {
      this.#memory[at] = INT;
      this.#view.setInt32(at + 1, value, true);
      this.#at = at + 5;
    } else {
      this.#memory[at] = DOUBLE;
      this.#view.setFloat64(at + 1, value, true);
      this.#at = at + 9;
    }
  }

  #string(text: string): void {
    const { length } = text;
    if (length <= SHORT && this.#short(text)) return;
    if (isWellFormed.call(text)) {
      const size = Buffer.byteLength(text);
      this.byte(UTF8);
      this.count(size);
      this.#ensure(size);
      this.#memory.write(text, this.#at, size, 'utf8');
      this.#at += size;
    } else {
      this.byte(UTF16);
      this.count(length);
      this.#ensure(2 * length);
      this.#memory.write(text, this.#at, 2 * length, 'utf16le');
      this.#at += 2 * length;
    }
  }

  #short(text: string): boolean {
    const { length } = text;
    this.#ensure(2 + length);
    const memory = this.#memory;
    const from = this.#at + 2;
    for (let i = 0; i < length; i++) {
      const code = text.charCodeAt(i);
      if (code > 255) return false;
      memory[from + i] = code;
    }
    memory[this.#at] = LATIN1;
    memory[this.#at + 1] = length;
    this.#at = from + length;
    return true;
  }

  #object(value: object, depth: number): void {
    const index = this.#seen.get(value);
    if (index !== undefined) {
      this.byte(REFERENCE);
      this.count(index);
      return;
    }
    if (depth === 0) throw new Uncodable(value, `lies more than ${this.#limits.depth} levels deep`);
    this.#seen.set(value, this.#seen.size);
    if (Array.isArray(value)) this.#array(value, depth - 1);
    else {
      const prototype = Object.getPrototypeOf(value);
      if (prototype === Object.prototype || prototype === null) this.#properties(OBJECT, value, depth - 1);
      else this.#exotic(value, depth - 1);
    }
  }

  #array(array: unknown[], depth: number): void {
    const { length } = array;
    const numbers = length < NUMBERS ? undefined : tagOfNumbers(array);
    if (numbers !== undefined) {
      this.#numbers(numbers, array as number[]);
      return;
    }
    if (isSparse(array)) {
      this.byte(SPARSE);
      this.count(length);
      this.#properties(undefined, array, depth);
      return;
    }
    this.byte(ARRAY);
    this.count(length);
    for (let i = 0; i < length; i++) this.#put(array[i], depth);
  }

  #numbers(tag: number, array: number[]): void {
    const { length } = array;
    this.byte(tag);
    this.count(length);
    this.#ensure(8 * length);
    const view = this.#view;
    let at = this.#at;
    if (tag === INTS) for (let i = 0; i < length; i++, at += 4) view.setInt32(at, array[i]!, true);
    else for (let i = 0; i < length; i++, at += 8) view.setFloat64(at, array[i]!, true);
    this.#at = at;
  }

  #properties(tag: number | undefined, object: object, depth: number): void {
    const keys = Object.keys(object);
    if (tag !== undefined) this.byte(tag);
    this.count(keys.length);
    for (const key of keys) {
      this.#string(key);
      this.#put((object as Record<string, unknown>)[key], depth);
    }
  }

  #exotic(value: object, depth: number): void {
    const packed = this.#specials?.pack(value);
    if (packed !== undefined) {
      this.byte(SPECIAL);
      this.#put(packed, depth);
    } else if (ArrayBuffer.isView(value)) this.#bufferView(value);
    else if (types.isDate(value)) {
      this.byte(DATE);
      this.#number(value.getTime());
    } else if (types.isMap(value)) {
      this.byte(MAP);
      this.count(value.size);
      for (const [key, item] of value) {
        this.#put(key, depth);
        this.#put(item, depth);
      }
    } else if (types.isSet(value)) {
      this.byte(SET);
      this.count(value.size);
      for (const item of value) this.#put(item, depth);
    } else if (types.isRegExp(value)) {
      this.byte(REGEXP);
      this.#string(value.source);
      this.#string(value.flags);
    } else if (types.isNativeError(value) || value instanceof Error) {
      this.byte(ERROR);
      this.#put(packError(value), depth);
    } else if (types.isArrayBuffer(value)) {
      this.byte(BYTES);
      this.#bytes(new Uint8Array(value));
    } else if (types.isBoxedPrimitive(value)) {
      this.byte(BOXED);
      this.#put(value.valueOf(), depth);
    } else {
      if (isNoData(value)) throw new Uncodable(value, `is ${show(value)}`);
      const hint = objection(value, 'program');
      if (hint !== undefined) throw new Uncodable(value, `is of class ${nameOf(value)}`, hint);
      this.#properties(OBJECT, value, depth);
    }
  }

  #bufferView(view: ArrayBufferView): void {
    if (types.isSharedArrayBuffer(view.buffer)) throw new Uncodable(view, 'is memory that threads share');
    const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
    if (Buffer.isBuffer(view)) this.byte(BUFFER);
    else {
      this.byte(VIEW);
      this.byte(VIEWS.findIndex((View) => Object.prototype.toString.call(view) === `[object ${View.name}]`));
    }
    this.#bytes(bytes);
  }

  #bytes(bytes: Uint8Array): void {
    this.count(bytes.length);
    this.#ensure(bytes.length);
    this.#memory.set(bytes, this.#at);
    this.#at += bytes.length;
  }
}

/** Whether 32 bits can hold it. */
function isInt(value: number): boolean {
  return (value | 0) === value && (value !== 0 || 1 / value > 0);
}

/** The tag of a list of nothing but numbers. */
function tagOfNumbers(array: unknown[]): number | undefined {
  let tag: number = INTS;
  for (let i = 0; i < array.length; i++) {
    const item = array[i];
    if (typeof item !== 'number') return undefined;
    if (tag === INTS && !isInt(item)) tag = DOUBLES;
  }
  return tag;
}

function viewOf(memory: Buffer): DataView {
  return new DataView(memory.buffer, memory.byteOffset, memory.length);
}

function isSparse(array: unknown[]): boolean {
  const { length } = array;
  for (let i = 0; i < length; i++) if (array[i] === undefined && !(i in array)) return true;
  return false;
}

/** What would arrive as an empty object, and does not go through a structured clone either. */
function isNoData(value: object): boolean {
  return (
    types.isPromise(value) ||
    types.isWeakMap(value) ||
    types.isWeakSet(value) ||
    types.isGeneratorObject(value) ||
    types.isSharedArrayBuffer(value) ||
    types.isExternal(value) ||
    value instanceof WeakRef
  );
}

/** Where in `root` the culprit is, as one would write it: `name.items[3].callback`. */
function cannotBeSent({ culprit, message, hint }: Uncodable, root: unknown, name: string): UncloneableError {
  const visited = new Set<unknown>();
  const find = (value: unknown, path: string): string | undefined => {
    if (Object.is(value, culprit)) return path;
    if (typeof value !== 'object' || value === null || visited.has(value) || visited.size > 100_000) return undefined;
    visited.add(value);
    const inside: [string, unknown][] =
      types.isMap(value) || types.isSet(value)
        ? [...value.entries()].flatMap(([key, item]) => [
            [`${path} (a key)`, key],
            [`${path}.get(${show(key)})`, item],
          ])
        : Object.entries(value).map(([key, item]) => [
            Array.isArray(value) ? `${path}[${key}]` : `${path}.${key}`,
            item,
          ]);
    for (const [at, item] of inside) {
      const found = find(item, at);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  let path: string | undefined;
  try {
    path = find(root, name);
  } catch {
    // too deep to be searched, or a getter threw
  }
  const where = path === undefined || path.length > 200 ? `something in ${name}` : path;
  const advice = hint === undefined ? '' : `; ${hint}`;
  return new UncloneableError(`${where} ${message}: it can't be sent to another process${advice}`, where);
}

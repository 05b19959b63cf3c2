/** Reads values from bytes: see `codec-format.ts`. */
import { type PackedError, unpackError } from '../packed-error.ts';
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

/** The bytes are not what an `Encoder` writes, or say more than the limits allow. @internal */
export class MalformedError extends Error {}

/** Reads what an `Encoder` has written. @internal */
export class Decoder {
  readonly #specials: Specials | undefined;
  readonly #limits: CodecLimits;
  #memory: Buffer = Buffer.alloc(0);
  #at = 0;
  #values = 0;
  /** The objects of the value that is read, in the order of their beginning; `undefined` while one is incomplete. */
  #objects: unknown[] = [];
  /** Short strings that came before, by their hash: mostly keys and names of methods. */
  readonly #texts: (string | undefined)[] = new Array(1024).fill(undefined);

  constructor(specials?: Specials, limits: CodecLimits = CODEC_LIMITS) {
    this.#specials = specials;
    this.#limits = limits;
  }

  /** Begins to read `frame`, from `start` on. */
  begin(frame: Buffer, start = 0): void {
    this.#memory = frame;
    this.#at = start;
    this.#values = 0;
  }

  /** Whether nothing is left. */
  get ended(): boolean {
    return this.#at >= this.#memory.length;
  }

  /** @throws {MalformedError} something is left */
  checkEnd(): void {
    if (!this.ended) throw new MalformedError('there is more than one value where one should be');
  }

  /** Lets go of the frame. */
  end(): void {
    this.#memory = Buffer.alloc(0);
  }

  byte(): number {
    const byte = this.#memory[this.#at++];
    if (byte === undefined) throw new MalformedError('the bytes end within a value');
    return byte;
  }

  count(): number {
    let value = 0;
    for (let factor = 1; factor < 2 ** 50; factor *= 128) {
      const byte = this.byte();
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
    throw new MalformedError('a number has too many digits');
  }

  /** @throws {MalformedError} these are no values, or more than the limits allow */
  value(): unknown {
    this.#objects = [];
    return this.#get(this.#limits.depth);
  }

  #take(length: number): number {
    const at = this.#at;
    if (length > this.#memory.length - at) throw new MalformedError('the bytes end within a value');
    this.#at = at + length;
    return at;
  }

  /** A number of things of which each takes `least` bytes. */
  #countOf(least: number): number {
    const count = this.count();
    if (count * least > this.#memory.length - this.#at) throw new MalformedError('the bytes end within a value');
    return count;
  }

  #get(depth: number): unknown {
    if (++this.#values > this.#limits.values) throw this.#tooMany();
    const tag = this.byte();
    if (tag >= SMALL) return tag - SMALL;
    switch (tag) {
      case UNDEFINED:
        return undefined;
      case NULL:
        return null;
      case TRUE:
        return true;
      case FALSE:
        return false;
      case INT:
        return this.#memory.readInt32LE(this.#take(4));
      case DOUBLE:
        return this.#memory.readDoubleLE(this.#take(8));
      case LATIN1:
      case UTF8:
      case UTF16:
        return this.#text(tag);
      case BIGINT:
        return this.#bigint();
      default:
        return this.#object(tag, depth);
    }
  }

  #string(): string {
    const tag = this.byte();
    if (tag !== LATIN1 && tag !== UTF8 && tag !== UTF16)
      throw new MalformedError('there is no string where one should be');
    return this.#text(tag);
  }

  #text(tag: number): string {
    if (tag === LATIN1) {
      const length = this.byte();
      return this.#short(this.#take(length), length);
    }
    const size = this.count() * (tag === UTF8 ? 1 : 2);
    const at = this.#take(size);
    return this.#memory.toString(tag === UTF8 ? 'utf8' : 'utf16le', at, at + size);
  }

  #short(at: number, length: number): string {
    const memory = this.#memory;
    let hash = length;
    for (let i = at; i < at + length; i++) hash = (Math.imul(hash, 31) + memory[i]!) | 0;
    const place = hash & 1023;
    const known = this.#texts[place];
    if (known !== undefined && known.length === length) {
      let i = 0;
      while (i < length && known.charCodeAt(i) === memory[at + i]) i++;
      if (i === length) return known;
    }
    const text = memory.toString('latin1', at, at + length);
    this.#texts[place] = text;
    return text;
  }

  #bigint(): bigint {
    const isNegative = this.byte() === 1;
    const digits = this.#string();
    if (!/^[\da-f]+$/.test(digits)) throw new MalformedError('a bigint has digits that are none');
    const value = BigInt(`0x${digits}`);
    return isNegative ? -value : value;
  }

  #object(tag: number, depth: number): unknown {
    if (tag === REFERENCE) {
      const object = this.#objects[this.count()];
      if (object === undefined) throw new MalformedError('a reference leads nowhere');
      return object;
    }
    if (depth === 0) throw new MalformedError(`a value is more than ${this.#limits.depth} levels deep`);
    const index = this.#objects.push(undefined) - 1;
    const inside = depth - 1;
    switch (tag) {
      case OBJECT:
        return this.#properties((this.#objects[index] = {}), inside);
      case ARRAY: {
        const length = this.#countOf(1);
        const array: unknown[] = [];
        this.#objects[index] = array;
        for (let i = 0; i < length; i++) array.push(this.#get(inside));
        return array;
      }
      case INTS:
        return (this.#objects[index] = this.#ints());
      case DOUBLES:
        return (this.#objects[index] = this.#doubles());
      case SPARSE: {
        const length = this.count();
        if (length >= 2 ** 32) throw new MalformedError('an array is too long');
        const array: unknown[] = [];
        array.length = length;
        this.#objects[index] = array;
        return this.#properties(array, inside);
      }
      case MAP: {
        const map = new Map<unknown, unknown>();
        this.#objects[index] = map;
        for (let left = this.#countOf(2); left > 0; left--) map.set(this.#get(inside), this.#get(inside));
        return map;
      }
      case SET: {
        const set = new Set<unknown>();
        this.#objects[index] = set;
        for (let left = this.#countOf(1); left > 0; left--) set.add(this.#get(inside));
        return set;
      }
      default:
        return (this.#objects[index] = this.#leaf(tag, inside));
    }
  }

  #ints(): number[] {
    const [length, view] = this.#numbers(4);
    const array: number[] = listOf(length);
    for (let i = 0; i < length; i++) array[i] = view.getInt32(4 * i, true);
    return array;
  }

  #doubles(): number[] {
    const [length, view] = this.#numbers(8);
    const array: number[] = listOf(length);
    for (let i = 0; i < length; i++) array[i] = view.getFloat64(8 * i, true);
    return array;
  }

  /** How many numbers of `size` bytes follow, and a view of these. */
  #numbers(size: number): [length: number, view: DataView] {
    const length = this.#countOf(size);
    this.#values += length;
    if (this.#values > this.#limits.values) throw this.#tooMany();
    const { buffer, byteOffset } = this.#memory;
    return [length, new DataView(buffer, byteOffset + this.#take(length * size), length * size)];
  }

  #tooMany(): MalformedError {
    return new MalformedError(`a value consists of more than ${this.#limits.values} values`);
  }

  #properties(object: object, depth: number): object {
    const isArray = Array.isArray(object);
    for (let left = this.#countOf(3); left > 0; left--) {
      const key = this.#string();
      const value = this.#get(depth);
      if (key === '__proto__' || (isArray && key === 'length')) {
        if (isArray) throw new MalformedError(`an array has an element ${key}`);
        Object.defineProperty(object, key, { value, enumerable: true, writable: true, configurable: true });
      } else (object as Record<string, unknown>)[key] = value;
    }
    return object;
  }

  /** Something to which nothing in it can refer. */
  #leaf(tag: number, depth: number): unknown {
    switch (tag) {
      case DATE: {
        const time = this.#get(depth);
        if (typeof time === 'number') return new Date(time);
        break;
      }
      case REGEXP:
        return regExp(this.#string(), this.#string());
      case BUFFER:
        return Buffer.from(this.#bytes().buffer);
      case BYTES:
        return this.#bytes().buffer;
      case VIEW:
        return this.#bufferView();
      case ERROR:
        return anError(this.#get(depth));
      case BOXED: {
        const primitive = this.#get(depth);
        if (primitive !== null && primitive !== undefined && typeof primitive !== 'object') return Object(primitive);
        break;
      }
      case SPECIAL: {
        const packed = this.#get(depth);
        if (this.#specials !== undefined) return this.#specials.unpack(packed);
      }
    }
    throw new MalformedError(`there is a value of the unknown kind ${tag}`);
  }

  #bytes(): Uint8Array<ArrayBuffer> {
    const length = this.count();
    const at = this.#take(length);
    const bytes = new Uint8Array(length);
    bytes.set(this.#memory.subarray(at, at + length));
    return bytes;
  }

  #bufferView(): unknown {
    const View = VIEWS[this.byte()];
    const { buffer } = this.#bytes();
    const size = View === undefined || View === DataView ? 1 : (View as Uint8ArrayConstructor).BYTES_PER_ELEMENT;
    if (View === undefined || buffer.byteLength % size !== 0) throw new MalformedError('there is no view of this kind');
    return new (View as Uint8ArrayConstructor)(buffer);
  }
}

/** An array for so many elements. One that is made very long at once would be a hash table. */
function listOf(length: number): number[] {
  return length < 10_000_000 ? new Array(length) : [];
}

function regExp(source: string, flags: string): RegExp {
  try {
    return new RegExp(source, flags);
  } catch {
    throw new MalformedError('there is no such regular expression');
  }
}

function anError(packed: unknown): unknown {
  try {
    const error = unpackError(packed as PackedError);
    if (error instanceof Error) return error;
  } catch {
    // said below
  }
  throw new MalformedError('there is no error where one should be');
}

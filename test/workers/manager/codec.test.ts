import { Timeout, UncloneableError } from 'genlet';
import { describe, expect, it } from 'vitest';
import { CODEC_LIMITS } from '../../../src/workers/manager/codec-format.ts';
import { Decoder, MalformedError } from '../../../src/workers/manager/decoder.ts';
import { Encoder } from '../../../src/workers/manager/encoder.ts';

const encoder = new Encoder();
const decoder = new Decoder();

function encode(value: unknown, by = encoder): Buffer {
  by.begin(0);
  by.value(value, 'value');
  return by.take();
}

function decode(bytes: Buffer, by = decoder): unknown {
  by.begin(bytes);
  const value = by.value();
  by.checkEnd();
  return value;
}

const through = <T>(value: T): T => decode(encode(value)) as T;

class Point {
  x = 1;
  #hidden = 2;
  get sum(): number {
    return this.x + this.#hidden;
  }
}

describe('the codec', () => {
  it.each([
    undefined,
    null,
    true,
    false,
    0,
    -0,
    1,
    191,
    192,
    -1,
    255,
    65_536,
    2 ** 31 - 1,
    -(2 ** 31),
    2 ** 31,
    2 ** 53,
    0.1,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
    Number.MIN_VALUE,
    0n,
    -1n,
    12_345_678_901_234_567_890n,
    -(2n ** 4096n),
    '',
    'text',
    'é',
    'ÿ'.repeat(48),
    'ÿ'.repeat(49),
    '日本語',
    '🙂'.repeat(100),
    '\ud800 alone',
    '\u0000',
    'x'.repeat(100_000),
  ])('carries %o', (value) => {
    expect(Object.is(through(value), value)).toBe(true);
  });

  it.each([
    ['an empty array', []],
    ['an array', [1, [2, [3]], 'a', undefined, null]],
    ['a long array', Array.from({ length: 1000 }, (_, i) => (i % 2 === 0 ? i : `${i}`))],
    ['whole numbers', Array.from({ length: 1000 }, (_, i) => (i - 500) * 4_294_967)],
    ['whole numbers with a zero that is negative', [...new Array(20).fill(1), -0, 1]],
    ['numbers', Array.from({ length: 1000 }, (_, i) => i / 3)],
    ['numbers that are mostly whole', [...new Array(20).fill(1), 0.5, Number.NaN, 2 ** 31, -(2 ** 31), 1]],
    ['numbers with a gap of undefined', [...new Array(20).fill(1), undefined, 1]],
    ['numbers around an object', [...new Array(20).fill(0.5), { a: 1 }, 1]],
    ['an object', { a: 1, 'b c': { d: [true] }, '': undefined }],
    [
      'a map',
      new Map<unknown, unknown>([
        ['a', 1],
        [{ key: 1 }, new Map()],
        [Number.NaN, 2],
      ]),
    ],
    ['a set', new Set<unknown>([1, 'a', new Set(), undefined])],
    ['a date', new Date(1e12)],
    ['no date', new Date(Number.NaN)],
    ['a regular expression', /a\/b[^\n]+/giu],
    ['a buffer', Buffer.from('bytes')],
    ['no bytes', Buffer.alloc(0)],
    ['an ArrayBuffer', new Uint8Array([1, 2, 3]).buffer],
    ['bytes', new Uint8Array([1, 2])],
    ['clamped bytes', new Uint8ClampedArray([1, 300])],
    ['small integers', new Int8Array([-1, 2])],
    ['16 bits', new Int16Array([-1, 2]).subarray(1)],
    ['16 bits without sign', new Uint16Array([1, 65_535])],
    ['32 bits', new Int32Array([-1, 2])],
    ['32 bits without sign', new Uint32Array([1, 2 ** 32 - 1])],
    ['floats', new Float32Array([0.5, Number.NaN])],
    ['doubles', new Float64Array([0.1, -0])],
    ['64 bits', new BigInt64Array([-1n])],
    ['64 bits without sign', new BigUint64Array([2n ** 64n - 1n])],
    ['boxed values', [Object(1), Object('a'), Object(false), Object(1n)]],
  ])('carries %s', (_name, value) => {
    const copy = through(value);
    expect(copy).toStrictEqual(value);
    expect(copy).not.toBe(value);
  });

  it('carries a DataView', () => {
    const view = new DataView(new Uint8Array([9, 1, 2, 9]).buffer, 1, 2);
    const copy = through(view);
    expect(copy).toBeInstanceOf(DataView);
    expect([copy.byteLength, copy.getUint16(0)]).toEqual([2, 258]);
  });

  it('sends of a view its own bytes alone, and nothing of the memory around it', () => {
    const pool = Buffer.from('secret public');
    expect(encode(pool.subarray(7)).includes('secret')).toBe(false);
    expect(through(pool.subarray(7)).buffer.byteLength).toBe(6);
  });

  it('carries arrays with holes, and reads those of an absurd length without a loop over it', () => {
    // biome-ignore lint/suspicious/noSparseArray: it is the subject
    const holes = [1, , 3];
    expect(through(holes)).toStrictEqual(holes);
    expect(1 in through(holes)).toBe(false);
    const long: unknown[] = [];
    long.length = 2 ** 32 - 1;
    long[2 ** 32 - 2] = 'last';
    const copy = through(long);
    expect([copy.length, copy.at(-1), Object.keys(copy).length]).toEqual([2 ** 32 - 1, 'last', 1]);
  });

  it('keeps what is shared shared, and cycles closed', () => {
    const shared = { name: 'shared' };
    const [one, other, map] = through([shared, shared, new Map([[shared, [shared]]])] as const);
    expect(one).toBe(other);
    expect(map.get(one)![0]).toBe(one);
    const ring: { self?: unknown; list: unknown[] } = { list: [] };
    ring.self = ring;
    ring.list.push(ring, ring.list);
    const copy = through(ring);
    expect(copy.self).toBe(copy);
    expect(copy.list[0]).toBe(copy);
    expect(copy.list[1]).toBe(copy.list);
  });

  it('carries errors of known classes with all that belongs to them', () => {
    const cause = new RangeError('inner');
    const error = Object.assign(new TypeError('outer', { cause }), { code: 'E_CODE', extra: { deep: [1] } });
    const copy = through({ error, again: error });
    expect(copy.error).toBeInstanceOf(TypeError);
    expect(copy.again).toBe(copy.error);
    expect(copy.error).toMatchObject({ message: 'outer', code: 'E_CODE', extra: { deep: [1] }, stack: error.stack });
    expect((copy.error.cause as Error).message).toBe('inner');
    expect(copy.error.cause).toBeInstanceOf(RangeError);
    expect(through(new Timeout(5))).toBeInstanceOf(Timeout);
    expect((through(new AggregateError([cause], 'many')).errors[0] as Error).message).toBe('inner');
  });

  it('makes plain objects of those of a class', () => {
    const copy = through(new Point());
    expect(copy).toStrictEqual({ x: 1 });
    expect(Object.getPrototypeOf(through(Object.create(null)))).toBe(Object.prototype);
    expect(through(new (class extends Map<string, number> {})([['a', 1]]))).toStrictEqual(new Map([['a', 1]]));
  });

  it('sets no prototype', () => {
    const copy = through(JSON.parse('{"__proto__": {"admin": true}}')) as { admin?: boolean };
    expect(copy.admin).toBe(undefined);
    expect(Object.hasOwn(copy, '__proto__')).toBe(true);
  });

  it.each([
    ['value', () => {}, 'the function'],
    ['value.items[1].callback', { items: [0, { callback: function notify() {} }] }, 'the function notify'],
    ["value.get('key')[0]", new Map([['key', [Symbol('s')]]]), 'is a symbol'],
    ['value.later', { later: Promise.resolve(1) }, 'Promise'],
    ['value[0]', [new WeakMap()], 'WeakMap'],
    ['value.shared', { shared: new SharedArrayBuffer(8) }, 'SharedArrayBuffer'],
    ['value.view', { view: new Uint8Array(new SharedArrayBuffer(8)) }, 'memory that threads share'],
  ])('refuses what is no data, and says where: %s', (path, value, what) => {
    let caught: unknown;
    try {
      encode(value);
    } catch (error) {
      caught = error;
    }
    expect(caught).toBeInstanceOf(UncloneableError);
    expect((caught as UncloneableError).path).toBe(path);
    expect((caught as Error).message).toContain(path);
    expect((caught as Error).message).toContain(what);
    expect((caught as Error).message).toContain("it can't be sent to another process");
  });

  it('leaves nothing of a value that was refused', () => {
    encoder.begin(0);
    encoder.value('before', 'value');
    expect(() => encoder.value({ fine: 1, bad: () => {} }, 'value')).toThrow(UncloneableError);
    encoder.value('after', 'value');
    decoder.begin(encoder.take());
    expect([decoder.value(), decoder.value(), decoder.ended]).toEqual(['before', 'after', true]);
  });

  it('leaves frames alone that were taken', () => {
    const frames = Array.from({ length: 5000 }, (_, i) => encode({ i, text: 'x'.repeat(i % 100) }));
    const copies = frames.map((frame) => decode(frame));
    expect(copies).toStrictEqual(Array.from({ length: 5000 }, (_, i) => ({ i, text: 'x'.repeat(i % 100) })));
  });

  it('refuses to write what is too deep, and to read it', () => {
    const nest = (depth: number): unknown => (depth === 0 ? 1 : [nest(depth - 1)]);
    expect(through(nest(CODEC_LIMITS.depth))).toStrictEqual(nest(CODEC_LIMITS.depth));
    expect(() => encode(nest(CODEC_LIMITS.depth + 1))).toThrow(/lies more than 500 levels deep/);
    const generous = new Encoder(undefined, { ...CODEC_LIMITS, depth: 1000 });
    expect(() => decode(encode(nest(501), generous))).toThrow('a value is more than 500 levels deep');
    const arrays = Buffer.alloc(1_000_000, Buffer.from([12, 1]));
    expect(() => decode(arrays)).toThrow(MalformedError);
  });

  it('refuses lengths that are not there, and more values than allowed', () => {
    const huge = Buffer.from([255, 255, 255, 255, 15]);
    for (const tag of [8, 9, 12, 14, 15, 16, 17, 19, 24, 25]) {
      expect(() => decode(Buffer.concat([Buffer.of(tag), huge, Buffer.of(1, 1)]))).toThrow(MalformedError);
    }
    const few = new Decoder(undefined, { depth: 10, values: 100 });
    for (const items of ['', 0, 0.5]) {
      expect(decode(encode(new Array(99).fill(items)), few)).toHaveLength(99);
      expect(() => decode(encode(new Array(100).fill(items)), few)).toThrow('more than 100 values');
    }
  });

  it('writes lists of numbers in few bytes, and refers to what follows them', () => {
    const list = Array.from({ length: 100 }, (_, i) => 1000 * i);
    expect(encode(list)).toHaveLength(402);
    const again = through([list, list, [0.5, ...list], list]);
    expect(again).toStrictEqual([list, list, [0.5, ...list], list]);
    expect(again[1]).toBe(again[0]);
    expect(again[3]).toBe(again[0]);
    const holes = [...list];
    delete holes[50];
    expect(50 in (through(holes) as number[])).toBe(false);
  });

  it.each([
    ['nothing', []],
    ['an unknown tag', [40]],
    ['a reference to nothing', [21, 0]],
    ['a reference to what is not complete', [10, 21, 0]],
    ['an object whose key is a number', [14, 1, 65, 65]],
    ['a bigint of other digits', [6, 0, 7, 1, 120]],
    ['a bigint of no digits', [6, 0, 7, 0]],
    ['a date that is text', [10, 7, 0]],
    ['a bad regular expression', [11, 7, 1, 40, 7, 0]],
    ['bad flags', [11, 7, 1, 97, 7, 1, 122]],
    ['a view of an unknown kind', [18, 99, 0]],
    ['a view of half an element', [18, 6, 3, 1, 2, 3]],
    ['an error that is none', [20, 65]],
    ['a boxed nothing', [22, 1]],
    ['something special where nothing is', [23, 65]],
    ['an array with a prototype', [13, 1, 1, 7, 9, ...Buffer.from('__proto__'), 65]],
    ['an array with a length', [13, 1, 1, 7, 6, ...Buffer.from('length'), 65]],
    ['a length without end', [12, 255, 255, 255, 255, 255, 255, 255, 255, 255]],
    ['two values', [65, 65]],
  ])('refuses %s', (_name, bytes) => {
    expect(() => decode(Buffer.from(bytes))).toThrow(MalformedError);
  });

  it('carries special objects by what stands for them', () => {
    class Wrapped {
      readonly id: number;
      constructor(id: number) {
        this.id = id;
      }
    }
    const specials = {
      pack: (value: object) => (value instanceof Wrapped ? value.id : undefined),
      unpack: (packed: unknown) => new Wrapped(packed as number),
    };
    const one = new Wrapped(7);
    const copy = decode(encode({ one, two: [one] }, new Encoder(specials)), new Decoder(specials)) as {
      one: Wrapped;
      two: [Wrapped];
    };
    expect(copy.one).toBeInstanceOf(Wrapped);
    expect(copy.one.id).toBe(7);
    expect(copy.two[0]).toBe(copy.one);
  });

  it('reads bytes of any kind without another error than its own, and within bounds', () => {
    let state = 12_345;
    const random = (below: number) => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
      return state % below;
    };
    const seeds = [
      encode({ a: [1, 'two', { three: 3n }], map: new Map([['k', new Set([1])]]), date: new Date(0), re: /x/g }),
      encode([new Float64Array(4), Buffer.from('abc'), new TypeError('e', { cause: 1 }), 'long '.repeat(30), [[[]]]]),
      encode(Array.from({ length: 20 }, (_, i) => ({ id: i, name: `name ${i}` }))),
    ];
    let survived = 0;
    for (let round = 0; round < 15_000; round++) {
      const bytes = Buffer.from(seeds[round % seeds.length]!);
      for (let i = 1 + random(3); i > 0; i--) {
        const at = random(bytes.length);
        if (random(4) === 0) bytes.copy(bytes, at, random(bytes.length));
        else bytes[at] = random(256);
      }
      const cut = random(3) === 0 ? bytes.subarray(0, random(bytes.length)) : bytes;
      try {
        decode(cut);
        survived++;
      } catch (error) {
        if (!(error instanceof MalformedError)) throw error;
      }
    }
    expect(survived).toBeGreaterThan(100);
    expect(Object.hasOwn(Object.prototype, 'admin')).toBe(false);
  });

  it('carries random values as structured clones', () => {
    let state = 99;
    const random = (below: number) => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
      return (state >> 8) % below;
    };
    const make = (depth: number): unknown => {
      const kind = random(depth > 0 ? 12 : 6);
      const items = () => Array.from({ length: random(5) }, () => make(depth - 1));
      if (kind === 0) return random(1000) - 500;
      if (kind === 1) return Math.sin(random(1000));
      if (kind === 2)
        return String.fromCharCode(...Array.from({ length: random(70) }, () => random(random(2) ? 256 : 65_536)));
      if (kind === 3) return [undefined, null, true, false, -0, Number.NaN][random(6)];
      if (kind === 4) return BigInt(random(1_000_000)) ** BigInt(random(9));
      if (kind === 5) return new Date(random(1e9));
      if (kind === 6) return items();
      if (kind === 7) return new Map(items().map((item, i) => [i % 2 ? `k${i}` : item, item]));
      if (kind === 8) return new Set(items());
      if (kind === 9) return new Uint16Array(items().length);
      return Object.fromEntries(items().map((item, i) => [`key ${i} ${random(9)}`, item]));
    };
    for (let round = 0; round < 3000; round++) {
      const value = make(5);
      expect(through(value)).toStrictEqual(structuredClone(value));
    }
  });
});

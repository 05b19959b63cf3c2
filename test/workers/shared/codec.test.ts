import { deserialize, serialize } from 'node:v8';
import { describe, expect, it } from 'vitest';
import { decode, encode } from '../../../src/workers/shared/codec.ts';

const shared = { twice: true };
const cyclic: Record<string, unknown> = {};
cyclic.self = cyclic;
const holes: unknown[] = [1];
holes[2] = 3;
const withProperty = Object.assign([1, 2], { extra: 1 });

describe('encode and decode', () => {
  it.each([
    ['numbers', [0, -0, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53]],
    ['strings', ['', 'abc', 'äöü€', '👋', '\ud800', '\u2028']],
    ['constants', [null, undefined, true, false]],
    ['undefined in an object', { a: undefined, b: 1 }],
    ['nested plain data', { i: 1, a: 'hello', b: [1, 2, [3, { c: null }]] }],
    ['a key __proto__', JSON.parse('{"__proto__": 1, "a": 2}')],
    ['keys that are numbers', { b: 1, 2: 'two', 1: 'one' }],
    ['dates, maps, sets', { date: new Date(7), map: new Map([[1, { a: 1 }]]), set: new Set(['x']) }],
    ['bytes', { bytes: new Uint8Array([1, 2, 3]), buffer: Buffer.from('text') }],
    ['bigints and regular expressions', [1n, /x/g]],
    ['errors', new RangeError('out')],
    ['an object that appears twice', [shared, shared]],
    ['a cycle', cyclic],
    ['an array with holes', holes],
    ['an array with a property', withProperty],
    ['more than is looked at', Array.from({ length: 1000 }, (_, i) => ({ i }))],
    [
      'a class',
      new (class Point {
        x = 1;
      })(),
    ],
  ])('give what v8 gives for %s', (_, value) => {
    expect(decode(Buffer.from(encode(value)))).toEqual(deserialize(serialize(value)));
  });

  it('keep identity, signs and prototypes as v8 does', () => {
    const [one, other] = decode(Buffer.from(encode([shared, shared])));
    expect(one).toBe(other);
    const loop = decode(Buffer.from(encode(cyclic)));
    expect(loop.self).toBe(loop);
    expect(Object.is(decode(Buffer.from(encode(-0))), -0)).toBe(true);
    expect(1 in decode(Buffer.from(encode(holes)))).toBe(false);
    expect(decode(Buffer.from(encode(withProperty))).extra).toBe(1);
    expect(Object.hasOwn(decode(Buffer.from(encode({ a: undefined }))), 'a')).toBe(true);
  });

  it('refuse what v8 refuses', () => {
    expect(() => encode(() => {})).toThrow("can't be cloned");
    expect(() => encode({ deep: { fn() {} } })).toThrow("can't be cloned");
    expect(() => encode({ toJSON: () => 1 })).toThrow("can't be cloned");
    expect(() => encode([Symbol('no')])).toThrow("can't be cloned");
  });
});

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it as plain, test, vi } from 'vitest';
import { it } from './it.mjs';

const order = [];
beforeAll(() => order.push('beforeAll'));
beforeEach(async () => {
  await null;
  order.push('beforeEach');
});
afterEach(() => order.push('afterEach'));
afterAll(() => expect(order.at(-1)).toBe('afterEach'));

plain('has the patch where it should be', () => {
  const { PATCHED } = process.env;
  expect(String(Symbol.iterator in Promise.prototype)).toBe(PATCHED ?? 'false');
});

it('runs hooks', () => expect(order.slice(0, 2)).toEqual(['beforeAll', 'beforeEach']));
it('waits for promises', async () => {
  await expect(Promise.resolve([1])).resolves.toEqual([1]);
  await expect(Promise.reject(new TypeError('no'))).rejects.toThrow(TypeError);
  await new Promise((resolve) => setTimeout(resolve, 2));
});
it('compares', () => {
  expect({ a: [1, { b: new Map([[1, new Set('x')]]) }], c: new Date(0) }).toEqual({
    a: [1, { b: new Map([[1, new Set('x')]]) }],
    c: expect.any(Date),
  });
  expect(new Uint8Array([1, 2])).toStrictEqual(new Uint8Array([1, 2]));
  expect(() => expect([1, 2]).toEqual([1, 3])).toThrow(/expected \[ 1, 2 \] to deeply equal \[ 1, 3 \]/);
  expect(Buffer.from('a')).toEqual(Buffer.from('a'));
});
it('keeps snapshots', () => {
  expect({ one: 1, list: ['a'], text: 'b' }).toMatchInlineSnapshot(`
    {
      "list": [
        "a",
      ],
      "one": 1,
      "text": "b",
    }
  `);
});
it('polls', async () => {
  let count = 0;
  await expect.poll(() => ++count, { interval: 1 }).toBe(3);
  await vi.waitFor(() => expect(++count).toBeGreaterThan(4), { interval: 1 });
});
test.each([
  [1, 1, 2],
  [2, 3, 5],
])('%i + %i = %i', (a, b, sum) => expect(a + b).toBe(sum));
describe.concurrent('together', () => {
  const meet = Promise.withResolvers?.() ?? deferred();
  test('one', () => meet.promise);
  test('two', () => meet.resolve());
});
test.skip('skipped', () => {});
test.todo('to be done');
test.fails('fails as it should', () => expect(1).toBe(2));
test('is retried', { retry: 2 }, ({ task }) => expect(task.result.retryCount ?? 0).toBe(2));
it('fails', () => expect({ a: 1, b: [1, 2] }).toEqual({ a: 1, b: [1, 3] }));
it('rejects', async () => {
  await null;
  throw Object.assign(new Error('rejected'), { code: 'E_TEST' });
});
it('takes too long', () => new Promise(() => {}), 30);

function deferred() {
  const parts = {};
  parts.promise = new Promise((resolve, reject) => Object.assign(parts, { resolve, reject }));
  return parts;
}

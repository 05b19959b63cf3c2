import { spawn } from 'genlet';
import { shared } from 'genlet/workers';
import { describe, expect, it } from 'vitest';
import { packShared, unpackShared } from '../../../src/workers/shared/transport.ts';
import { virtually, watchHub } from '../../support/hub.ts';

watchHub();

describe('Value', () => {
  it.each([
    ['i8', -128, 127],
    ['u8', 0, 255],
    ['i16', -32768, 32767],
    ['u16', 0, 65535],
    ['i32', -(2 ** 31), 2 ** 31 - 1],
    ['u32', 0, 2 ** 32 - 1],
    ['i64', -(2n ** 63n), 2n ** 63n - 1n],
    ['u64', 0n, 2n ** 64n - 1n],
  ] as const)('of %s holds all its numbers and no others', (type, least, most) => {
    const value = new shared.Value<any>(type, least);
    expect(value.value).toBe(least);
    value.value = most;
    expect(shared.open(value.share()).value).toBe(most);
    const one = typeof most === 'bigint' ? 1n : 1;
    expect(() => (value.value = (most as number) + (one as number))).toThrow(`give ${least} to ${most}`);
    expect(() => (value.value = (least as number) - (one as number))).toThrow(RangeError);
    expect(() => (value.value = typeof most === 'bigint' ? 1 : 1n)).toThrow(TypeError);
    expect(value.value).toBe(most);
  });

  it('of a float holds any number', () => {
    const value = new shared.Value('f64');
    expect(value.value).toBe(0);
    for (const number of [1.5, -0, Number.NaN, Number.POSITIVE_INFINITY]) {
      value.value = number;
      expect(value.value).toBe(number);
    }
    expect(new shared.Value('f32', 0.5).value).toBe(0.5);
  });

  it('checks what it is given', () => {
    expect(() => new shared.Value('int' as never)).toThrow("type is 'int': give one of i8, u8, i16");
    expect(() => new shared.Value('i32', 1.5)).toThrow("value is 1.5: give a whole number for a cell of 'i32'");
    expect(() => new shared.Value('i32', 1, { lock: {} as never })).toThrow('lock is {}');
    expect(() => new shared.Value('i32', 1, 5 as never)).toThrow('options is 5');
  });

  it('has a lock, its own or a given one', () =>
    virtually(function* () {
      const own = new shared.Value('i32');
      expect(own.getLock()).toBeInstanceOf(shared.RLock);
      const lock = new shared.Lock();
      const [one, two] = [new shared.Value('i32', 1, { lock }), new shared.Array('u8', 3, { lock })];
      expect([one.getLock(), two.getLock()]).toEqual([lock, lock]);
      yield* one.acquire();
      expect(yield* spawn(() => two.acquire({ block: false }))).toBe(false);
      one.release();
      using _ = yield* two.hold();
      expect(lock.locked()).toBe(true);
    }));
});

describe('Array', () => {
  it('is made with a length or with values, and never changes its length', () => {
    const zeros = new shared.Array('i32', 3);
    expect([...zeros, zeros.length]).toEqual([0, 0, 0, 3]);
    const row = new shared.Array('f64', new Set([1.5, 2.5]));
    row.set(-1, 7);
    expect([row.get(0), row.get(1), row.get(-2)]).toEqual([1.5, 7, 1.5]);
    expect(row.array).toEqual(new Float64Array([1.5, 7]));
    expect([...new shared.Array('u64', [1n, 2n])]).toEqual([1n, 2n]);
    expect(new shared.Array('u8', 0).length).toBe(0);
  });

  it.each(['i8', 'u16', 'f32', 'i64', 'f64'] as const)('of %s is the same in its opened form', (type) => {
    const array = new shared.Array<any>(type, 5);
    array.set(4, type === 'i64' ? 9n : 9);
    const { array: memory } = array;
    const copy = structuredClone(array.share());
    expect(memory.length).toBe(5);
    expect(shared.open(copy)).toBe(array);
  });

  it('knows its bounds', () => {
    const array = new shared.Array('u8', 2);
    expect(() => array.get(2)).toThrow('index is 2: there are 2 cells');
    expect(() => array.set(-3, 0)).toThrow(RangeError);
    expect(() => array.get(0.5)).toThrow(RangeError);
    expect(() => new shared.Array('u8', [256])).toThrow('value is 256: give 0 to 255');
    expect(() => new shared.Array('u8', -1)).toThrow('content is -1');
    expect(() => new shared.Array('u8', null as never)).toThrow('content is null: give an iterable');
  });
});

describe('descriptors', () => {
  it('are made of every kind, and opened to the same object', () => {
    const objects = [
      new shared.Array('i32', 1),
      new shared.Barrier(1),
      new shared.BoundedSemaphore(),
      new shared.Condition(),
      new shared.Event(),
      new shared.Lock(),
      new shared.Queue(1),
      new shared.RLock(),
      new shared.Semaphore(),
      new shared.Value('i32'),
    ];
    for (const object of objects) expect(unpackShared(structuredClone(packShared(object)))).toBe(object);
    expect(objects.map((object) => object.share().shared)).toEqual([
      'Array',
      'Barrier',
      'BoundedSemaphore',
      'Condition',
      'Event',
      'Lock',
      'Queue',
      'RLock',
      'Semaphore',
      'Value',
    ]);
  });

  it('are told from other values', () => {
    for (const value of [undefined, null, 5, 'text', {}, { shared: 'Lock' }]) {
      expect(packShared(value)).toBe(undefined);
      expect(unpackShared(value)).toBe(undefined);
    }
    expect(() => shared.open({ shared: 'Lock' } as never)).toThrow('give what share() of a shared object gave');
    const strange = { ...new shared.Lock().share(), shared: 'Padlock' } as shared.Descriptor;
    expect(() => shared.open(strange)).toThrow("there is no shared object of kind 'Padlock'");
  });

  it('are of no use to bury anybody but worker threads that have ended', () => {
    for (const id of [0, -1, 1.5, 'x' as never]) expect(() => shared.bury(id)).toThrow(RangeError);
    shared.bury(12345);
  });
});

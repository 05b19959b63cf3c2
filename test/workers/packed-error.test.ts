import { GreenletExit, QueueEmpty, Timeout } from 'genlet';
import { describe, expect, it } from 'vitest';
import { addAwaited, packError, registerError, unpackError } from '../../src/workers/packed-error.ts';

const travel = (error: unknown): any => unpackError(structuredClone(packError(error)));

describe('an error that travels', () => {
  it('keeps name, message, code, stack, cause and its own properties', () => {
    const cause = new RangeError('the reason');
    const error = Object.assign(new TypeError('what', { cause }), { code: 'E_WHAT', path: '/x', deep: { list: [1] } });
    const copy = travel(error);
    expect(copy).toBeInstanceOf(TypeError);
    expect(copy.name).toBe('TypeError');
    expect(copy.message).toBe('what');
    expect(copy.stack).toBe(error.stack);
    expect({ ...copy }).toEqual({ code: 'E_WHAT', path: '/x', deep: { list: [1] } });
    expect(copy.cause).toBeInstanceOf(RangeError);
    expect(copy.cause.message).toBe('the reason');
  });

  it('drops own properties that cannot be cloned, and keeps errors among them', () => {
    const error = Object.assign(new Error('x'), { call: () => 1, list: [() => 1], fine: 1, inner: new URIError('y') });
    const copy = travel(error);
    expect(Object.keys(copy)).toEqual(['fine', 'inner']);
    expect(copy.inner).toBeInstanceOf(URIError);
  });

  it('keeps the errors of an AggregateError, and causes that are no errors', () => {
    const copy = travel(new AggregateError([new EvalError('a'), 'b'], 'two', { cause: { why: 1 } }));
    expect(copy).toBeInstanceOf(AggregateError);
    expect(copy.errors[0]).toBeInstanceOf(EvalError);
    expect(copy.errors[1]).toBe('b');
    expect(copy.cause).toEqual({ why: 1 });
  });

  it('may be its own cause, and have any number of causes', () => {
    const loop: Error & { cause?: unknown } = new Error('loop');
    loop.cause = loop;
    expect(travel(loop).cause).toBe('Error: loop');
    let chain = new Error('0');
    for (let i = 1; i < 10_000; i++) chain = new Error(`${i}`, { cause: chain });
    expect(travel(chain).message).toBe('9999');
  });

  it('may be no error at all', () => {
    const symbol = Symbol('s');
    const values = [undefined, null, 5, 'text', { a: 1 }, [1], 5n];
    expect(values.map(travel)).toEqual(values);
    expect(travel(symbol)).toBe('Symbol(s)');
    expect(travel({ call() {} })).toBe('[object Object]');
    expect(travel(Object.create(null, { f: { value: () => 1, enumerable: true } }))).toBe(
      "a object that can't be shown",
    );
  });

  it('may be unreadable', () => {
    const error = new Error('x');
    Object.defineProperty(error, 'message', {
      get() {
        throw new Error('no');
      },
    });
    expect(travel(error).message).toBe('an error that could not be read');
  });

  it("is an instance of genlet's classes", () => {
    expect(travel(new QueueEmpty('none'))).toBeInstanceOf(QueueEmpty);
    expect(travel(new QueueEmpty('none')).code).toBe('GENLET_QUEUE_EMPTY');
    expect(travel(new GreenletExit('bye'))).toBeInstanceOf(GreenletExit);
    const timeout = travel(new Timeout(50));
    expect(timeout).toBeInstanceOf(Timeout);
    expect([timeout.message, timeout.ms, timeout.name]).toEqual(['timed out after 50 ms', 50, 'Timeout']);
  });

  it('is an instance of the innermost class that is registered', () => {
    class Known extends RangeError {
      readonly limit: number;
      constructor(limit: number) {
        super(`over ${limit}`);
        this.limit = limit;
      }
      get twice(): number {
        return 2 * this.limit;
      }
    }
    class Unknown extends Known {}
    expect(travel(new Unknown(5))).toBeInstanceOf(RangeError);
    expect(travel(new Unknown(5))).not.toBeInstanceOf(Known);
    registerError(Known);
    expect(travel(new Unknown(5))).toBeInstanceOf(Known);
    expect(travel(new Unknown(5)).twice).toBe(10);
    expect(travel(new Unknown(5)).message).toBe('over 5');
  });

  it('keeps a name and a code that its class does not have', () => {
    class Far extends Error {
      override name = 'VeryFar';
    }
    Object.defineProperty(Far.prototype, 'code', { value: 'E_FAR' });
    const copy = travel(new Far('x'));
    expect([copy.name, copy.code, String(copy)]).toEqual(['VeryFar', 'E_FAR', 'VeryFar: x']);
    expect(travel(new DOMException('gone', 'AbortError')).name).toBe('AbortError');
    expect(travel(new DOMException('gone', 'AbortError'))).toBeInstanceOf(DOMException);
  });

  it('takes its properties for data, whatever they are named', () => {
    const error = new Error('x');
    Object.defineProperty(error, '__proto__', { value: { bad: 1 }, enumerable: true });
    const copy = travel(error);
    expect(copy).toBeInstanceOf(Error);
    expect(copy.bad).toBeUndefined();
    expect(Object.hasOwn(copy, '__proto__')).toBe(true);
  });

  it('gets the stack of those who waited once', () => {
    const copy = travel(new Error('x'));
    const before = copy.stack;
    addAwaited(copy, 'Error\n    at here\n    at there');
    addAwaited(copy, 'Error\n    at elsewhere');
    expect(copy.stack).toBe(`${before}\n    --- awaited at ---\n    at here\n    at there`);
    addAwaited('no error', 'Error\n    at here');
  });
});

it('only registers classes of errors', () => {
  expect(() => registerError(Map as never)).toThrow('give classes that extend Error and have a name');
  expect(() => registerError({} as never)).toThrow(TypeError);
  expect(() => registerError(class extends Error {})).toThrow('have a name');
});

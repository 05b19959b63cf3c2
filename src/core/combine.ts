/** `all`, `race`, `any`: several operations at once, in a structured way: none outlives the call. */
import { show } from './check.ts';
import { composite } from './dev.ts';
import { GreenletExit } from './errors.ts';
import type { Greenlet } from './greenlet.ts';
import { joinall, killall } from './joinall.ts';
import type { Coroutine, Operation } from './operation.ts';
import { shield } from './shield.ts';
import { spawnNow } from './spawn.ts';
import { iwait } from './wait.ts';

/** What `all`, `race` and `any` take: operations in an array or in a record. */
export type Operations = readonly Operation<any>[] | { readonly [name: string]: Operation<any> };

/** The results of several operations, in the shape in which they were given. */
export type Results<O extends Operations> = { -readonly [K in keyof O]: O[K] extends Operation<infer T> ? T : never };

/** The result of one of several operations. */
export type ResultOf<O extends Operations> = Results<O>[keyof O & (O extends readonly unknown[] ? number : keyof O)];

const isOperation = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && Symbol.iterator in value && !Array.isArray(value);

function listOf(operations: Operations, caller: string): Operation<any>[] {
  if (typeof operations !== 'object' || operations === null || isOperation(operations)) {
    throw new TypeError(`${caller} got ${show(operations)}: give an array or a record of operations`);
  }
  const list = Object.values(operations) as Operation<any>[];
  const strange = list.findIndex((operation) => !isOperation(operation));
  if (strange >= 0) throw new TypeError(`${caller} got ${show(list[strange])}: give operations, such as sleep(10)`);
  return list;
}

function* performOne(operation: Operation<unknown>): Coroutine<unknown> {
  return yield* operation;
}

/** Runs `body` over the children that perform `operations`, and ends those that are left, whatever happens. */
function withChildren<T>(
  caller: string,
  operations: Operation<any>[],
  body: (children: Greenlet<any>[]) => Coroutine<T>,
): Coroutine<T> {
  return composite(caller, performAll(operations, body));
}

function* performAll<T>(operations: Operation<any>[], body: (children: Greenlet<any>[]) => Coroutine<T>): Coroutine<T> {
  const children = operations.map((operation) => spawnNow(performOne, operation) as Greenlet<any>);
  try {
    return yield* body(children);
  } finally {
    const alive = children.filter((child) => !child.dead);
    if (alive.length > 0) yield* shield(() => killall(alive, new GreenletExit('not needed any more')));
  }
}

/**
 * Performs several operations at once and gives their results in the shape of the input, an array or a record. The first
 * failure kills the others, waits for their `finally` blocks, and is thrown; a second one goes to `hub.handleError`. A kill ends all of them. Greenlets that are
 * given are only waited for, not killed. Follows `Promise.all`.
 *
 * @throws the first failure
 * @example
 * ```ts
 * import { all, run, spawn } from 'genlet';
 *
 * await run(function* () {
 *   const { one, two } = yield* all({ one: spawn(() => 1), two: spawn(() => 'zwei') });
 *   console.log(one, two); // => 1 zwei
 * });
 * ```
 */
export function all<const O extends Operations>(operations: O): Operation<Results<O>> {
  const list = listOf(operations, 'all()');
  return withChildren('all()', list, function* (children) {
    yield* joinall(children, { raiseError: true });
    const values = children.map((child) => child.value);
    if (Array.isArray(operations)) return values as Results<O>;
    return Object.fromEntries(Object.keys(operations).map((name, index) => [name, values[index]])) as Results<O>;
  });
}

/**
 * Performs several operations at once and gives the result of the first that ends, or throws its error; the others are
 * killed and waited for. Suspends; a kill ends all of them. Follows `Promise.race`.
 *
 * @throws {RangeError} there are no operations: that would block for ever
 * @example
 * ```ts
 * import { race, run, sleep, spawn } from 'genlet';
 *
 * await run(function* () {
 *   console.log(yield* race([sleep(1000), spawn(() => 'first')])); // => first
 * });
 * ```
 */
export function race<const O extends Operations>(operations: O): Operation<ResultOf<O>> {
  const list = listOf(operations, 'race()');
  if (list.length === 0) throw new RangeError('race() got no operations: it would block for ever');
  return withChildren('race()', list, function* (children) {
    const [first] = yield* joinall(children, { count: 1 });
    const ended = children.filter((child) => child.dead);
    for (const child of ended) child.takeError(); // those that lost by less than a pass have nobody else to tell
    if (!first!.successful()) throw first!.exception;
    return first!.value;
  });
}

/**
 * Performs several operations at once and gives the result of the first that succeeds; the others are killed and waited
 * for. Suspends; a kill ends all of them. Follows `Promise.any`.
 *
 * @throws {AggregateError} all have failed; its `errors` are in input order
 * @example
 * ```ts
 * import { any, run, spawn } from 'genlet';
 *
 * await run(function* () {
 *   const failing = function* () {
 *     throw new Error('no');
 *   };
 *   console.log(yield* any([failing(), spawn(() => 'yes')])); // => yes
 * });
 * ```
 */
export function any<const O extends Operations>(operations: O): Operation<ResultOf<O>> {
  const list = listOf(operations, 'any()');
  return withChildren('any()', list, function* (children) {
    using ended = iwait(children);
    for (let step; !(step = yield* ended.next()).done; ) {
      if (step.value.successful()) return step.value.value;
      step.value.takeError();
    }
    const errors = children.map((child) => child.exception);
    throw new AggregateError(errors, `all ${errors.length} operations failed`);
  });
}

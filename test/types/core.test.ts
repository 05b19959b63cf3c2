import { AsyncLocalStorage } from 'node:async_hooks';
import { EventEmitter } from 'node:events';
import {
  all,
  any,
  type Coroutine,
  coroutine,
  fromAsyncIterable,
  fromCallback,
  fromEvent,
  Greenlet,
  type GreenletExit,
  isExit,
  iwait,
  joinall,
  type Operation,
  type RawGreenlet,
  race,
  run,
  runWith,
  shield,
  sleep,
  spawn,
  spawnLater,
  spawnNow,
  suspend,
  until,
  wait,
  withTimeout,
} from 'genlet';
import { expectTypeOf, it } from 'vitest';

function* length(text: string): Coroutine<number> {
  yield* sleep(0);
  return text.length;
}

// Types are checked by the compiler; these functions are never called.
const check = (_: () => unknown) => {};

it('infers what a greenlet gives from its function', () => {
  check(() => {
    expectTypeOf(spawn(length, 'text')).toEqualTypeOf<Greenlet<number>>();
    expectTypeOf(spawnNow(() => 'plain')).toEqualTypeOf<Greenlet<string>>();
    expectTypeOf(spawnLater(5, async (n: number) => [n], 1)).toEqualTypeOf<Greenlet<number[]>>();
    expectTypeOf(spawn(sleep, 5)).toEqualTypeOf<Greenlet<void>>();
    expectTypeOf(spawn(() => spawn(length, ''))).toEqualTypeOf<Greenlet<number>>();
    expectTypeOf(new Greenlet(() => 'text')).toEqualTypeOf<Greenlet<string>>();
    expectTypeOf(Greenlet.spawn(length, 'text')).toEqualTypeOf<Greenlet<number>>();
    expectTypeOf(run(() => length(''))).toEqualTypeOf<Promise<number>>();
    expectTypeOf(run(() => 5)).toEqualTypeOf<Promise<number>>();
    expectTypeOf(spawn(length, '').value).toEqualTypeOf<number | undefined>();
    expectTypeOf(spawn(length, '').toPromise()).toEqualTypeOf<Promise<number>>();
    expectTypeOf<Awaited<Greenlet<number>>>().toEqualTypeOf<number>();
  });
});

it('checks the arguments of what is spawned', () => {
  check(() => {
    // @ts-expect-error a number is no text
    spawn(length, 5);
    // @ts-expect-error the text is missing
    spawn(length);
    // @ts-expect-error a call instead of the function
    spawn(length('text'));
    // @ts-expect-error nothing to run
    spawn(undefined);
    // @ts-expect-error one argument too many
    spawnLater(5, () => {}, 1);
  });
});

it('infers what yield* gives', () => {
  check(function* () {
    expectTypeOf(yield* sleep(5)).toEqualTypeOf<void>();
    expectTypeOf(yield* length('')).toEqualTypeOf<number>();
    expectTypeOf(yield* spawn(length, '')).toEqualTypeOf<number>();
    expectTypeOf(yield* spawn(length, '').get({ timeout: 5 })).toEqualTypeOf<number>();
    expectTypeOf(yield* spawn(length, '').join()).toEqualTypeOf<void>();
    expectTypeOf(yield* until(Promise.resolve(''))).toEqualTypeOf<string>();
    expectTypeOf(yield* until(async (signal) => signal)).toEqualTypeOf<AbortSignal>();
    expectTypeOf(yield* suspend<string>(() => {})).toEqualTypeOf<string>();
    expectTypeOf(yield* fromCallback<string>(() => {})).toEqualTypeOf<string>();
    expectTypeOf(yield* fromEvent<[number, string]>(new EventEmitter(), 'x')).toEqualTypeOf<[number, string]>();
    expectTypeOf(yield* shield(() => length(''))).toEqualTypeOf<number>();
    expectTypeOf(yield* runWith(new AsyncLocalStorage<number>(), 5, () => length(''))).toEqualTypeOf<number>();
    expectTypeOf(yield* withTimeout(5, () => length(''))).toEqualTypeOf<number>();
    expectTypeOf(yield* withTimeout(5, () => length(''), { value: 'late' })).toEqualTypeOf<number | string>();
    expectTypeOf(yield* withTimeout(5, async () => 1, { value: undefined })).toEqualTypeOf<number | undefined>();
  });
});

it('keeps the shape of what all, race and any are given', () => {
  check(function* () {
    expectTypeOf(yield* all([length(''), sleep(1), spawn(() => 'x')])).toEqualTypeOf<[number, void, string]>();
    expectTypeOf(yield* all({ a: length(''), b: spawn(() => 'x') })).toEqualTypeOf<{ a: number; b: string }>();
    expectTypeOf(yield* all([] as Operation<number>[])).toEqualTypeOf<number[]>();
    expectTypeOf(yield* race([length(''), spawn(() => 'x')])).toEqualTypeOf<number | string>();
    expectTypeOf(yield* race({ a: length(''), b: sleep(5) })).toEqualTypeOf<number | void>();
    expectTypeOf(yield* any([length(''), spawn(() => 'x')])).toEqualTypeOf<number | string>();
    // @ts-expect-error a promise is no operation
    yield* all([Promise.resolve()]);
  });
});

it('keeps the type of what is waited for', () => {
  check(function* () {
    const greenlets = [spawn(length, ''), spawn(length, '')];
    expectTypeOf(yield* joinall(greenlets)).toEqualTypeOf<Greenlet<number>[]>();
    expectTypeOf(yield* wait(greenlets, { count: 1 })).toEqualTypeOf<Greenlet<number>[]>();
    expectTypeOf(yield* wait()).toEqualTypeOf<boolean>();
    expectTypeOf(yield* wait(undefined, { timeout: 5 })).toEqualTypeOf<boolean>();
    using ready = iwait(greenlets);
    const step = yield* ready.next();
    if (!step.done) expectTypeOf(step.value).toEqualTypeOf<Greenlet<number>>();
    async function* texts() {
      yield 'text';
    }
    using items = fromAsyncIterable(texts());
    const item = yield* items.next();
    if (!item.done) expectTypeOf(item.value).toEqualTypeOf<string>();
    // @ts-expect-error nothing to link to
    yield* wait([5]);
  });
});

it('leaves a marked function what it is, and gives links their greenlet', () => {
  check(() => {
    expectTypeOf(coroutine(length)).toEqualTypeOf<typeof length>();
    // @ts-expect-error no generator function
    coroutine(async () => {});
    spawn(length, '').link((greenlet) => expectTypeOf(greenlet).toEqualTypeOf<Greenlet<number>>());
    spawn(length, '').rawlink((greenlet) => expectTypeOf(greenlet.value).toEqualTypeOf<number | undefined>());
    expectTypeOf<Greenlet<number>>().toExtend<RawGreenlet>();
    expectTypeOf<Greenlet<number>>().toExtend<Operation<number>>();
    const error: unknown = undefined;
    if (isExit(error)) expectTypeOf(error).toEqualTypeOf<GreenletExit>();
  });
});

it('does not take a greenlet or an operation for its value', () => {
  check(() => {
    // @ts-expect-error yield* is missing
    const _value: number = spawn(length, '');
    // @ts-expect-error yield* is missing
    const _other: number = length('');
  });
});

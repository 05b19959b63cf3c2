import {
  AsyncResult,
  Barrier,
  BoundedSemaphore,
  Channel,
  Condition,
  type Coroutine,
  Event,
  Future,
  type Greenlet,
  LifoQueue,
  Lock,
  type Operation,
  PriorityQueue,
  Queue,
  RLock,
  type SelectCases,
  type Selected,
  Semaphore,
  SimpleQueue,
  select,
  sleep,
  spawn,
  type TaskGroup,
  type TaskGroupStatistics,
  taskGroup,
  until,
} from 'genlet';
import { createConnection, type Listener, listen, type Socket } from 'genlet/io';
import { expectTypeOf, it } from 'vitest';

function* length(text: string): Coroutine<number> {
  yield* sleep(0);
  return text.length;
}

// Types are checked by the compiler; these functions are never called.
const check = (_: () => unknown) => {};

it('tells the value of a select by its key', () => {
  check(function* () {
    const numbers = new Queue<number>();
    const words = new Channel<string>();
    const chosen = yield* select({
      number: numbers.get(),
      word: words.get(),
      sent: words.put('text'),
      limit: sleep(5),
    });
    expectTypeOf(chosen).toEqualTypeOf<
      | { readonly key: 'number'; readonly value: number }
      | { readonly key: 'word'; readonly value: string }
      | { readonly key: 'sent'; readonly value: void }
      | { readonly key: 'limit'; readonly value: void }
    >();
    if (chosen.key === 'number') expectTypeOf(chosen.value).toEqualTypeOf<number>();
    else if (chosen.key === 'word') expectTypeOf(chosen.value).toEqualTypeOf<string>();
    else expectTypeOf(chosen.value).toEqualTypeOf<void>();
    switch (chosen.key) {
      case 'number':
      case 'word':
      case 'sent':
      case 'limit':
        break;
      default:
        expectTypeOf(chosen).toEqualTypeOf<never>();
    }
    // @ts-expect-error there is no such case
    if (chosen.key === 'other') return;
    // @ts-expect-error it is read-only
    chosen.key = 'word';
  });
});

it('tells the value of a select also after its parts were taken out', () => {
  check(function* () {
    const { key, value } = yield* select({ number: new Queue<number>().get(), lock: new Lock().hold() });
    expectTypeOf(key).toEqualTypeOf<'number' | 'lock'>();
    if (key === 'number') expectTypeOf(value).toEqualTypeOf<number>();
    else {
      expectTypeOf(value).toEqualTypeOf<Disposable>();
      using _ = value;
    }
  });
});

it('knows what each kind of case gives', () => {
  check(function* () {
    const given = yield* select({
      get: new SimpleQueue<Date>().get(),
      many: new Queue<Date>().getMany(5),
      peek: new PriorityQueue<Date>().peek(),
      lifo: new LifoQueue<Date>().get({ timeout: 5 }),
      join: new Queue().join(),
      event: new Event().wait(),
      acquire: new RLock().acquire(),
      hold: new BoundedSemaphore(1).hold(),
      permits: new Semaphore().wait(),
      result: new AsyncResult<Date>().get(),
      future: new Future<Date>().result(),
      promised: until(Promise.resolve(new Date())),
      greenlet: spawn(length, ''),
      joined: spawn(length, '').join(),
      accepted: (undefined as unknown as Listener).accept(),
      data: (undefined as unknown as Socket).recv(),
      line: (undefined as unknown as Socket).readline(),
      connected: createConnection('localhost:1'),
      listening: listen(0),
    });
    type ValueOf<K> = Extract<typeof given, { key: K }>['value'];
    expectTypeOf<ValueOf<'get' | 'peek' | 'lifo' | 'result' | 'future' | 'promised'>>().toEqualTypeOf<Date>();
    expectTypeOf<ValueOf<'many'>>().toEqualTypeOf<Date[]>();
    expectTypeOf<ValueOf<'join' | 'event' | 'acquire'>>().toEqualTypeOf<boolean>();
    expectTypeOf<ValueOf<'hold'>>().toEqualTypeOf<Disposable>();
    expectTypeOf<ValueOf<'permits' | 'greenlet'>>().toEqualTypeOf<number>();
    expectTypeOf<ValueOf<'joined'>>().toEqualTypeOf<void>();
    expectTypeOf<ValueOf<'accepted' | 'connected'>>().toEqualTypeOf<Socket>();
    expectTypeOf<ValueOf<'data'>>().toEqualTypeOf<Buffer>();
    expectTypeOf<ValueOf<'line'>>().toEqualTypeOf<string | undefined>();
    expectTypeOf<ValueOf<'listening'>>().toEqualTypeOf<Listener>();
  });
});

it('types selects of records, of numbers and of one case, and names the result', () => {
  check(function* () {
    const many: Record<string, Operation<number>> = {};
    expectTypeOf(yield* select(many)).toEqualTypeOf<{ readonly key: string; readonly value: number }>();
    const numbered = yield* select({ 1: sleep(5), 2: length('') as Operation<number> });
    expectTypeOf(numbered).toEqualTypeOf<
      { readonly key: '1'; readonly value: void } | { readonly key: '2'; readonly value: number }
    >();
    expectTypeOf(yield* select({ nap: sleep(5) })).toEqualTypeOf<{ readonly key: 'nap'; readonly value: void }>();
    interface Cases extends SelectCases {
      number: Operation<number>;
    }
    expectTypeOf<Selected<{ nap: Operation<void> }>>().toEqualTypeOf<{ readonly key: 'nap'; readonly value: void }>();
    expectTypeOf<Cases>().toExtend<SelectCases>();
    expectTypeOf(select({ nap: sleep(5) })).toExtend<Operation<{ key: 'nap'; value: void }>>();
  });
});

it('refuses what is no operation as a case', () => {
  check(() => {
    // @ts-expect-error a promise: until(promise)
    select({ reply: Promise.resolve() });
    // @ts-expect-error the queue instead of queue.get()
    select({ item: new Queue() });
    // @ts-expect-error a number
    select({ item: 5 });
    // @ts-expect-error nothing
    select({ item: undefined });
    // @ts-expect-error no cases
    select();
    // @ts-expect-error no object
    select(5);
  });
});

it('knows what goes through a channel', () => {
  check(function* () {
    const channel = new Channel<number>();
    expectTypeOf(yield* channel.get()).toEqualTypeOf<number>();
    expectTypeOf(yield* channel.put(5)).toEqualTypeOf<void>();
    expectTypeOf(channel.getNowait()).toEqualTypeOf<number>();
    expectTypeOf(channel.balance).toEqualTypeOf<number>();
    expectTypeOf(channel.statistics()).toEqualTypeOf<{ readonly getters: number; readonly putters: number }>();
    channel.rawlink((source) => expectTypeOf(source).toEqualTypeOf<Channel<number>>());
    // @ts-expect-error a text is no number
    channel.put('text');
    // @ts-expect-error a text is no number
    channel.putNowait('text');
    // @ts-expect-error unknown option
    channel.get({ limit: 5 });
    // @ts-expect-error it can't be set
    channel.balance = 5;
  });
});

it('infers what a group of tasks gives, and its tasks', () => {
  check(function* () {
    expectTypeOf(
      yield* taskGroup(function* (group) {
        expectTypeOf(group).toEqualTypeOf<TaskGroup>();
        expectTypeOf(group.spawn(length, '')).toEqualTypeOf<Greenlet<number>>();
        expectTypeOf(group.spawnNow(() => 'plain')).toEqualTypeOf<Greenlet<string>>();
        expectTypeOf(group.spawn(async () => 5)).toEqualTypeOf<Greenlet<number>>();
        expectTypeOf(group.spawn(sleep, 5)).toEqualTypeOf<Greenlet<void>>();
        expectTypeOf(group.statistics()).toEqualTypeOf<TaskGroupStatistics>();
        expectTypeOf(group.size).toEqualTypeOf<number>();
        return yield* length('');
      }),
    ).toEqualTypeOf<number>();
    expectTypeOf(yield* taskGroup(() => 'plain')).toEqualTypeOf<string>();
    expectTypeOf(yield* taskGroup(async () => 5)).toEqualTypeOf<number>();
    expectTypeOf(yield* taskGroup((group) => group.spawn(length, ''))).toEqualTypeOf<number>();
    expectTypeOf(taskGroup(() => {})).toEqualTypeOf<Operation<void>>();
  });
});

it('checks the arguments of a group of tasks', () => {
  check(() =>
    taskGroup((group) => {
      // @ts-expect-error a number is no text
      group.spawn(length, 5);
      // @ts-expect-error the text is missing
      group.spawnNow(length);
      // @ts-expect-error a call instead of the function
      group.spawn(length(''));
      // @ts-expect-error it can't be set
      group.size = 5;
    }),
  );
  check(() => {
    // @ts-expect-error no function
    taskGroup(5);
    // @ts-expect-error it takes one group
    taskGroup((group: TaskGroup, other: TaskGroup) => [group, other]);
  });
});

it('knows what locks and the like give', () => {
  check(function* () {
    for (const source of [new Lock(), new RLock(), new Semaphore(), new Condition()]) {
      expectTypeOf(yield* source.hold()).toEqualTypeOf<Disposable>();
    }
    expectTypeOf(yield* new Lock().acquire({ timeout: 5 })).toEqualTypeOf<boolean>();
    expectTypeOf(yield* new Semaphore().wait()).toEqualTypeOf<number>();
    expectTypeOf(yield* new Barrier(2).wait()).toEqualTypeOf<number>();
    expectTypeOf(yield* new Condition().wait()).toEqualTypeOf<boolean>();
    // @ts-expect-error the result is no boolean
    const _free: boolean = new Lock().acquire();
  });
});

/**
 * A blocking call, struck at every one of its suspension points: killed, timed out, closed by somebody else; and then a
 * look at what is left. A row of the table says how the call is set up, what lets it end, and how to see that its object
 * can be used on. Rows for new calls go into one of the `kill-everywhere*.test.ts`.
 */
import type { EventEmitter } from 'node:events';
import {
  type Coroutine,
  type Greenlet,
  GreenletExit,
  isExit,
  type Operation,
  run,
  sleep,
  spawn,
  Timeout,
  withTimeout,
} from 'genlet';
import { describe, expect, it } from 'vitest';
import { hub } from '../support/hub.ts';
import { census, leaks, turn, watchTroubles } from './census.ts';

/** How a call has ended. */
export type Ending = { readonly value: any } | { readonly error: any } | 'killed';

/** One call on fresh objects. */
export interface Subject {
  /** The call; with a timeout where it takes one (see `timed`). */
  readonly call: (timeout?: number) => Operation<unknown>;
  /** Lets it come to its end; a call without it comes there by itself. */
  readonly release?: () => unknown;
  /** Whether the call takes a timeout, and throws a `Timeout` (or this error) if there is no release. */
  readonly timed?: boolean | (new (...args: any[]) => Error);
  /** Looks at the ending, and proves that the object can be used on. The call was released before. */
  readonly check: (ending: Ending) => unknown;
  /** Closes the object while the call is blocked. */
  readonly close?: () => unknown;
  /** What whoever is blocked gets then, and whoever calls later. */
  readonly closedBy?: new (
    ...args: any[]
  ) => Error;
  /** Whose listeners are counted before and after. */
  readonly emitters?: readonly EventEmitter[];
  /** Closes everything. */
  readonly end: () => unknown;
}

export type Row = () => Coroutine<Subject>;

/** What may happen at the suspension point with the number `at`. */
interface Strike {
  /** Called by the greenlet itself, just before the step that leads to the point. */
  readonly before?: (greenlet: Greenlet<any>) => void;
  /** Called when the greenlet is blocked, in a greenlet of its own. */
  readonly blocked?: (greenlet: Greenlet<any>, subject: Subject, release: () => Operation<void>) => Coroutine<void>;
  /** Called in the same pass in which the greenlet was blocked. */
  readonly soon?: (greenlet: Greenlet<any>, subject: Subject) => void;
  readonly applies?: (subject: Subject) => boolean;
  /** Whether the object is closed by it. */
  readonly closes?: boolean;
}

/** Performs what may be an operation, a plain result or nothing. */
export function* perform(what: unknown): Coroutine<void> {
  if (typeof (what as Operation<unknown> | undefined)?.[Symbol.iterator] === 'function') {
    yield* what as Operation<unknown>;
  }
}

class Blow extends Error {}

function released(turns: number): Strike {
  return {
    *blocked(greenlet, _subject, release) {
      yield* release();
      for (let i = 0; i < turns; i++) yield* turn();
      greenlet.kill();
    },
    applies: (subject) => subject.release !== undefined,
  };
}

const strikes: Readonly<Record<string, Strike>> = {
  'killed before': { before: (greenlet) => void greenlet.kill() },
  'killed in the same pass': { soon: (greenlet) => void greenlet.kill() },
  'killed later': {
    *blocked(greenlet) {
      yield* turn();
      yield* turn();
      greenlet.kill();
    },
  },
  'killed again and again': {
    *blocked(greenlet) {
      for (let i = 0; i < 200 && !greenlet.dead; i++) {
        greenlet.kill();
        yield* i % 2 === 0 ? turn() : sleep(0);
      }
    },
  },
  'struck by an error': { soon: (greenlet) => void greenlet.kill(new Blow('struck')) },
  'released and killed at once': released(0),
  'released and killed a turn later': released(1),
  'released and killed two turns later': released(2),
  'closed in the same pass': {
    soon: (_greenlet, subject) => void subject.close!(),
    applies: (subject) => subject.close !== undefined,
    closes: true,
  },
  'closed and killed': {
    soon(greenlet, subject) {
      subject.close!();
      greenlet.kill();
    },
    applies: (subject) => subject.close !== undefined,
    closes: true,
  },
  'killed and closed': {
    soon(greenlet, subject) {
      greenlet.kill();
      subject.close!();
    },
    applies: (subject) => subject.close !== undefined,
    closes: true,
  },
};

/** How long anything may take before it counts as stuck. */
const PATIENCE = 5000;
/** How long a call is given to come to a point without being released, in turns of the event loop. */
const TURNS = 60;

/** Performs `operation`, and says when it is at a suspension point. */
function observe(operation: Operation<unknown>, step: () => void, point: () => void): Operation<unknown> {
  const iterator = operation[Symbol.iterator]();
  const note = (result: IteratorResult<any, unknown>) => {
    if (!result.done) point();
    return result;
  };
  const observed = {
    next(value: unknown) {
      step();
      return note(iterator.next(value));
    },
    throw: (error: unknown) => note(iterator.throw!(error)),
    return: (value: unknown) => iterator.return!(value as never),
  };
  return { [Symbol.iterator]: () => observed as Iterator<any, unknown> };
}

/** Runs the call of a row and strikes at point `at`; gives the number of points that there were, and the subject. */
function* strikeAt(row: Row, strike: Strike, at: number): Coroutine<{ points: number; subject: Subject }> {
  const subject = yield* row();
  const listeners = countListeners(subject);
  let releasing: Greenlet<void> | undefined;
  function* release(): Coroutine<void> {
    releasing ??= spawn(() => perform(subject.release?.()));
    try {
      yield* releasing;
    } catch (error) {
      if (!strike.closes) throw error;
    }
  }
  let steps = 0;
  let points = 0;
  const greenlet: Greenlet<Ending> = spawn(function* () {
    const step = () => {
      if (++steps === at) strike.before?.(greenlet);
    };
    const point = () => {
      points++;
      if (points !== at) return;
      if (strike.soon !== undefined) hub.callSoon(() => strike.soon!(greenlet, subject));
      if (strike.blocked !== undefined) spawn(strike.blocked, greenlet, subject, release);
    };
    try {
      // with a time limit, so that one that is left behind would be seen
      const call = subject.timed ? subject.call(10 * PATIENCE) : subject.call();
      return { value: yield* observe(call, step, point) };
    } catch (error) {
      if (isExit(error)) throw error;
      return { error };
    }
  });
  for (let i = 0; i < TURNS && !greenlet.dead && points < at; i++) yield* turn();
  yield* sleep(0);
  for (let i = 0; i < 5 && !greenlet.dead; i++) yield* turn();
  yield* release();
  yield* greenlet.join(PATIENCE);
  if (!greenlet.dead) throw new Error(`stuck at point ${points}: ${greenlet}`);
  const ending = greenlet.value instanceof GreenletExit ? 'killed' : greenlet.value!;
  if (strike.closes && points >= at) yield* checkClosed(subject, ending);
  else {
    if (typeof ending === 'object' && 'error' in ending && !(ending.error instanceof Blow)) throw ending.error;
    yield* within(perform(subject.check(typeof ending === 'object' && 'error' in ending ? 'killed' : ending)), 'check');
    expect(countListeners(subject), 'listeners').toEqual(listeners);
  }
  yield* within(perform(subject.end()), 'the end');
  return { points, subject };
}

const NONE: Strike = {};

/** The call was blocked while its object was closed: it has ended with the right error, and so does the next one. */
function* checkClosed(subject: Subject, ending: Ending): Coroutine<void> {
  const { closedBy } = subject;
  if (typeof ending === 'object' && 'error' in ending) expect(ending.error).toBeInstanceOf(closedBy);
  if (closedBy === undefined) return;
  let error: unknown;
  try {
    yield* within(subject.call(), 'a call after the close');
  } catch (thrown) {
    error = thrown;
  }
  expect(error, 'a call after the close').toBeInstanceOf(closedBy);
}

/** Nothing may take for ever. */
function* within<T>(operation: Operation<T>, what: string): Coroutine<T> {
  using _limit = Timeout.startNew(PATIENCE, `stuck in ${what}`);
  return yield* operation;
}

function countListeners({ emitters = [] }: Subject): Record<string, number>[] {
  return emitters.map((emitter) => {
    const names = emitter.eventNames().map((name) => [String(name), emitter.listenerCount(name)]);
    return Object.fromEntries(names.sort());
  });
}

/** Makes the tests of a table: for each row, each strike at each point. */
export function strikeEverywhere(rows: Readonly<Record<string, Row>>): void {
  watchTroubles();
  describe.each(Object.entries(rows))('%s', (_name, row) => {
    it('is usable or closed after a strike at each of its points, and leaves nothing', { timeout: 60_000 }, () =>
      run(function* () {
        yield* attempt('not struck', row, NONE, 0); // whatever is loaded or made at the first use is there then
        const before = census();
        const { points, subject } = yield* attempt('not struck', row, NONE, 0);
        for (const [name, strike] of Object.entries(strikes)) {
          if (strike.applies?.(subject) === false) continue;
          for (let at = 1; at <= Math.max(points, 1); at++) {
            yield* attempt(`${name}, point ${at} of ${points}`, row, strike, at);
            expect(yield* leaks(before), `left after: ${name}, point ${at} of ${points}`).toEqual({});
          }
        }
        expect(yield* leaks(before), 'left').toEqual({});
      }),
    );

    it('keeps to its time limits', { timeout: 60_000 }, () =>
      run(function* () {
        const { timed } = (yield* attempt('not struck', row, NONE, 0)).subject;
        const before = census();
        yield* timeOut(row, (subject) => withTimeout(1, () => subject.call()), Timeout);
        if (timed) {
          const error = timed === true ? Timeout : timed;
          yield* timeOut(row, (subject) => subject.call(1), error);
          yield* timeOut(row, (subject) => subject.call(0), error);
        }
        expect(yield* leaks(before), 'left').toEqual({});
      }),
    );
  });
}

function* attempt(what: string, row: Row, strike: Strike, at: number): ReturnType<typeof strikeAt> {
  try {
    return yield* strikeAt(row, strike, at);
  } catch (error) {
    throw new Error(`${what}: ${error}`, { cause: error });
  }
}

/** Lets a call run out of time; one without a release may be faster. */
function* timeOut(
  row: Row,
  call: (subject: Subject) => Operation<unknown>,
  kind: new (...args: any[]) => Error,
): Coroutine<void> {
  const subject = yield* row();
  const listeners = countListeners(subject);
  let ending: Ending;
  try {
    ending = { value: yield* call(subject) };
    if (subject.release !== undefined) throw new Error('the call ended without its release');
  } catch (error) {
    if (!(error instanceof kind)) throw error;
    ending = 'killed';
  }
  yield* perform(subject.release?.());
  yield* within(perform(subject.check(ending)), 'check');
  expect(countListeners(subject), 'listeners').toEqual(listeners);
  yield* within(perform(subject.end()), 'the end');
}

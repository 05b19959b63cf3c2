/**
 * Random programs, each killed at every one of its suspension points. A finally-type promise is only kept if it is kept
 * wherever the kill arrives. `KILL_SEED=123 npx vitest run test/core/kill-everywhere.test.ts` replays one program.
 */
import {
  all,
  type Coroutine,
  coroutine,
  type Greenlet,
  type Handle,
  isExit,
  race,
  run,
  shield,
  sleep,
  spawn,
  spawnNow,
  suspend,
  Timeout,
  until,
  withTimeout,
} from 'genlet';
import { VirtualClock } from 'genlet/testing';
import { expect, it } from 'vitest';
import { hub, watchHub } from '../support/hub.ts';
import { type Random, random } from '../support/random.ts';

watchHub();

const RUNS = 8_000;
const failure = new Error('a failure of the program itself');

/** What a run of a program must keep a record of: the frames that are open, and what went wrong. */
class Journal {
  /** Suspensions so far, of the whole program. */
  points = 0;
  /** Called at each suspension point, with its number. */
  onPoint: (point: number) => unknown = () => {};
  readonly wrong: string[] = [];
  readonly children: Greenlet<any>[] = [];
  openFrames = 0;

  point(): void {
    this.onPoint(++this.points);
  }
}

type Body = (journal: Journal) => Coroutine<unknown>;

/** A body of random statements; `depth` bounds the nesting. */
function statements(next: Random, depth: number): Body {
  const list = Array.from({ length: 1 + next(3) }, () => statement(next, depth));
  return function* (journal) {
    for (const one of list) yield* one(journal);
  };
}

function statement(next: Random, depth: number): Body {
  const kinds = depth > 0 ? [...leaves, ...nested, ...nested] : leaves;
  return kinds[next(kinds.length)]!(next, depth - 1);
}

type Kind = (next: Random, depth: number) => Body;

const leaves: Kind[] = [
  (next) => suspending(() => sleep(next(4))),
  (next) => suspending(() => sleep(5 + next(20))),
  () => suspending(() => until(Promise.resolve())),
  () =>
    suspending(() =>
      suspend<void>((resume) => {
        const call = hub.callSoon(() => resume());
        return () => call.cancel();
      }),
    ),
  () =>
    function* () {
      return 1;
    },
];

const nested: Kind[] = [
  // a frame that is called natively, and one that the greenlet keeps
  (next, depth) => framed(statements(next, depth), statements(next, 0)),
  (next, depth) => framed(statements(next, depth), statements(next, 0), coroutine),
  // try/catch that lets exits pass, around something that may fail
  (next, depth) => {
    const [body, handler] = [statements(next, depth), statements(next, 0)];
    const fails = next(2) === 0;
    return function* (journal) {
      try {
        yield* body(journal);
        if (fails) throw failure;
      } catch (error) {
        if (isExit(error) || error instanceof Timeout) throw error;
        if (error !== failure) journal.wrong.push(`strange error: ${error}`);
        yield* handler(journal);
      }
    };
  },
  (next, depth) => {
    const [one, other] = [statements(next, depth), statements(next, depth)];
    return function* (journal) {
      yield* all([one(journal), other(journal)]);
    };
  },
  (next, depth) => {
    const [one, other] = [statements(next, depth), statements(next, depth)];
    return function* (journal) {
      yield* race({ one: one(journal), other: other(journal) });
    };
  },
  (next, depth) => {
    const body = statements(next, depth);
    return function* (journal) {
      let ended = false;
      try {
        yield* shield(function* () {
          yield* body(journal);
          ended = true;
        });
      } catch (error) {
        if (isExit(error) && !ended) journal.wrong.push('a kill came through a shield');
        throw error;
      }
    };
  },
  (next, depth) => {
    const [body, ms] = [statements(next, depth), next(12)];
    return function* (journal) {
      yield* withTimeout(ms, () => body(journal), { value: 'too late' });
    };
  },
  (next, depth) => {
    const [body, now, wait] = [statements(next, depth), next(2) === 0, next(3)];
    return function* (journal) {
      const child = (now ? spawnNow : spawn)(body, journal);
      journal.children.push(child);
      yield* sleep(0);
      if (wait === 0) yield* child;
      else if (wait === 1) yield* child.join(5);
      else yield* child.kill();
    };
  },
];

function suspending(operation: () => Iterable<any>): Body {
  return function* (journal) {
    journal.point();
    yield* operation() as Coroutine<unknown>;
  };
}

/** A frame with a `finally` that suspends; its caller must not go on unless it ended by itself. */
function framed(body: Body, cleanup: Body, mark: (fn: typeof unwound) => typeof unwound = (fn) => fn): Body {
  const inner = mark(function* (journal, frame) {
    journal.openFrames++;
    try {
      yield* body(journal);
      frame.completed = true;
    } finally {
      // A second error may cut the cleanup short (a timeout, another kill), but must not skip its end.
      try {
        yield* cleanup(journal);
      } finally {
        journal.openFrames--;
      }
    }
  });
  return function* (journal) {
    const frame = { completed: false };
    yield* inner(journal, frame);
    if (!frame.completed) journal.wrong.push('went on after a call that was unwound');
  };
}

declare function unwound(journal: Journal, frame: { completed: boolean }): Coroutine<void>;

interface Result {
  points: number;
  wrong: string[];
}

/** Kills the program when it has come to a certain suspension point; may need a callback of the hub for that. */
type Strike = (program: Greenlet<any>, point: number, killAt: number) => Handle | undefined | void;

/** When the kill comes: just before the suspension, in the pass after it, a little later, or again and again. */
const strikes: Record<string, Strike> = {
  before: (program, point, killAt) => {
    if (point === killAt) program.kill();
  },
  after: (program, point, killAt) => {
    if (point === killAt) return hub.callSoon(() => void program.kill());
  },
  later: (program, point, killAt) => {
    if (point === killAt) return hub.callLater(1, () => void program.kill());
  },
  repeatedly: (program, point, killAt) => {
    if (point >= killAt) return hub.callSoon(() => void program.kill());
  },
};

/** Runs the program of a seed, killing it at the given suspension point. */
async function runProgram(seed: number, strike: Strike, killAt: number): Promise<Result> {
  const journal = new Journal();
  const body = framed(statements(random(seed), 3), statements(random(~seed), 0));
  await run(
    function* () {
      const program = spawn(body, journal);
      const calls: (Handle | undefined | void)[] = [];
      journal.onPoint = (point) => calls.push(strike(program, point, killAt));
      yield* program.join();
      for (const call of calls) call?.cancel();
      // a child that was granted what it waited for may spawn another before its kill arrives
      for (const child of journal.children) yield* child.kill();
      if (program.exception !== undefined) journal.wrong.push(`failed: ${program.exception}`);
      if (journal.openFrames !== 0) journal.wrong.push(`${journal.openFrames} finally blocks did not complete`);
      const { alive, timers } = hub.stats();
      if (alive !== 1 || timers !== 0) journal.wrong.push(`left: ${alive - 1} alive, ${timers} timers`);
    },
    { clock: new VirtualClock() },
  );
  return { points: journal.points, wrong: journal.wrong };
}

/** Gives the number of runs that it took. */
async function killEverywhere(seed: number): Promise<number> {
  const { points, wrong } = await runProgram(seed, () => {}, 0);
  expect(wrong, `KILL_SEED=${seed}, not killed`).toEqual([]);
  for (let point = 1; point <= points; point++) {
    for (const [when, strike] of Object.entries(strikes)) {
      const result = await runProgram(seed, strike, point);
      expect(result.wrong, `KILL_SEED=${seed}, killed ${when} point ${point} of ${points}`).toEqual([]);
    }
  }
  return 1 + points * Object.keys(strikes).length;
}

it('keeps its promises wherever a kill arrives', { timeout: 60_000 }, async () => {
  const { KILL_SEED } = process.env;
  if (KILL_SEED !== undefined) {
    await killEverywhere(Number(KILL_SEED));
    return;
  }
  let runs = 0;
  for (let seed = 1; runs < RUNS; seed++) runs += await killEverywhere(seed);
});

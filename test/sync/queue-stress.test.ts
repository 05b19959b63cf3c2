/**
 * Random producers and consumers, killed and timed out at random: whatever happens, no item is lost and none is had
 * twice. `QUEUE_SEED=123 npx vitest run test/sync/queue-stress.test.ts` replays one program.
 */
import {
  type Coroutine,
  type Greenlet,
  joinall,
  LifoQueue,
  PriorityQueue,
  Queue,
  QueueEmpty,
  QueueFull,
  SimpleQueue,
  sleep,
  spawn,
  Timeout,
} from 'genlet';
import { expect, it } from 'vitest';
import { hub, virtually, watchHub } from '../support/hub.ts';
import { type Random, random } from '../support/random.ts';

watchHub();

const RUNS = 1500;
const kinds = [SimpleQueue<number>, Queue<number>, LifoQueue<number>, PriorityQueue<number>];

class Journal {
  /** Items that went in, and items that came out: each in the order in which it was noticed. */
  readonly put: number[] = [];
  readonly got: number[] = [];
  made = 0;
}

/** Lets errors pass that are part of the game. */
function* attempt(body: () => Coroutine<void>): Coroutine<void> {
  try {
    yield* body();
  } catch (error) {
    if (!(error instanceof QueueEmpty || error instanceof QueueFull || error instanceof Timeout)) throw error;
  }
}

const limit = (next: Random) => (next(2) === 0 ? undefined : { timeout: next(4) });

function* produce(queue: SimpleQueue<number>, journal: Journal, next: Random): Coroutine<void> {
  for (let left = 1 + next(8); left > 0; left--) {
    yield* attempt(function* () {
      using _ = Timeout.startNew(next(3) === 0 ? next(4) : null);
      const item = journal.made++;
      yield* queue.put(item, limit(next));
      journal.put.push(item);
    });
    if (next(3) === 0) yield* sleep(next(4));
  }
}

function* consume(queue: SimpleQueue<number>, journal: Journal, next: Random): Coroutine<void> {
  for (let left = 1 + next(8); left > 0; left--) {
    yield* attempt(function* () {
      using _ = Timeout.startNew(next(3) === 0 ? next(4) : null);
      if (next(6) === 0) yield* queue.peek(limit(next));
      else if (next(4) === 0) journal.got.push(...(yield* queue.getMany(1 + next(3), limit(next))));
      else journal.got.push(yield* queue.get(limit(next)));
    });
    if (next(3) === 0) yield* sleep(next(4));
  }
}

async function play(seed: number): Promise<void> {
  const next = random(seed);
  const queue: SimpleQueue<number> = new kinds[next(kinds.length)]!(next(4));
  const journal = new Journal();
  await virtually(function* () {
    const greenlets: Greenlet<void>[] = [];
    for (let i = 2 + next(7); i > 0; i--) {
      greenlets.push(spawn(next(2) === 0 ? produce : consume, queue, journal, next));
    }
    const strikes = Array.from({ length: next(6) }, () => {
      const kill = () => void greenlets[next(greenlets.length)]!.kill();
      return hub.callLater(next(12), next(2) === 0 ? kill : () => void hub.callSoon(kill));
    });
    const end = hub.callLater(100, () => {
      for (const greenlet of greenlets) greenlet.kill();
    });
    yield* joinall(greenlets);
    for (const call of [...strikes, end]) call.cancel();
    yield* sleep(0);
  });
  const { size, getters, peekers, putters } = queue.statistics();
  expect({ getters, peekers, putters, timers: hub.stats().timers }, `seed ${seed}`).toEqual({
    getters: 0,
    peekers: 0,
    putters: 0,
    timers: 0,
  });
  for (let i = 0; i < size; i++) journal.got.push(queue.getNowait());
  const inOrder = (items: number[]) => items.toSorted((one, other) => one - other);
  expect(inOrder(journal.got), `seed ${seed}`).toEqual(inOrder(journal.put));
}

const seeds = process.env.QUEUE_SEED ? [Number(process.env.QUEUE_SEED)] : Array.from({ length: RUNS }, (_, i) => i);

it('loses no item and gives none twice, however its users are interrupted', { timeout: 60_000 }, async () => {
  for (const seed of seeds) await play(seed);
});

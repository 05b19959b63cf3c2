// An item that is put and is taken out again by the same task: nobody waits.
import { go, python } from '../harness/programs.mjs';
import { checkItem, effects, genlets } from './tasks.mjs';

const operations = 500_000;
const fewOperations = 50_000;

async function genletQueue(name) {
  const { [name]: Queue } = await import('../genlet.mjs');
  const queue = new Queue();
  const pass = await genlets(function* () {
    for (let item = 0; item < operations; item++) {
      yield* queue.put(item);
      checkItem(yield* queue.get(), item);
    }
  });
  return { operations, pass };
}

export default {
  title: 'A queue, put and get, the item is there',
  about: 'Unbounded; one task puts an item and gets it. "genlet" is the joinable `Queue`.',
  unit: 'ns per item',
  cases: {
    genlet: () => genletQueue('Queue'),
    'genlet, SimpleQueue': () => genletQueue('SimpleQueue'),
    async Effect() {
      const { Effect, Queue } = await import('effect');
      const queue = Effect.runSync(Queue.unbounded());
      const pass = await effects(function* () {
        for (let item = 0; item < fewOperations; item++) {
          yield* Queue.offer(queue, item);
          checkItem(yield* Queue.take(queue), item);
        }
      });
      return { operations: fewOperations, pass };
    },
    'gevent, Queue': python('sync/peers/sync.py', 'gevent_ready', 'Queue', operations),
    'gevent, JoinableQueue': python('sync/peers/sync.py', 'gevent_ready', 'JoinableQueue', operations),
    asyncio: python('sync/peers/sync.py', 'asyncio_ready', fewOperations),
    'Go, buffered channel': go('sync/peers', 'ready', operations),
  },
  bars: [{ against: 'gevent, Queue', faster: 1.5 }],
};

// A million items through a queue, from one task to another. How often the two switch depends on how many items fit.
import { go, python } from '../harness/programs.mjs';
import { checkItem, effects, genlets } from './tasks.mjs';

const items = 1_000_000;

/** `name` is the class, `maxsize` undefined for no limit. */
async function genletQueue(name, maxsize) {
  const { [name]: Queue } = await import('../genlet.mjs');
  const queue = new Queue(maxsize);
  const pass = await genlets(
    function* () {
      for (let item = 0; item < items; item++) yield* queue.put(item);
    },
    function* () {
      for (let item = 0; item < items; item++) checkItem(yield* queue.get(), item);
    },
  );
  return { operations: items, pass };
}

async function effectQueue(maxsize, count) {
  const { Effect, Queue } = await import('effect');
  const queue = Effect.runSync(maxsize === undefined ? Queue.unbounded() : Queue.bounded(maxsize));
  const pass = await effects(
    function* () {
      for (let item = 0; item < count; item++) yield* Queue.offer(queue, item);
    },
    function* () {
      for (let item = 0; item < count; item++) checkItem(yield* Queue.take(queue), item);
    },
  );
  return { operations: count, pass };
}

/** Peers that take microseconds an item get `fewItems`. */
function handOff(maxsize, { fewItems, bars: { gevent, effect, go: goBar } }) {
  const few = fewItems === items ? '' : ` (${fewItems.toLocaleString('en-US')} items)`;
  return {
    title: `A queue, hand-off of 1,000,000 items, ${maxsize === undefined ? 'unbounded' : `maxsize ${maxsize}`}`,
    about: `One task puts, another gets. "genlet" is the joinable \`Queue\`.${maxsize === undefined ? ' Go has a channel with room for all.' : ''}`,
    unit: 'ns per item',
    cases: {
      genlet: () => genletQueue('Queue', maxsize),
      'genlet, SimpleQueue': () => genletQueue('SimpleQueue', maxsize),
      [`Effect${few}`]: () => effectQueue(maxsize, fewItems),
      [`gevent, Queue${few}`]: python('sync/peers/sync.py', 'gevent_queue', maxsize ?? 0, fewItems),
      [`asyncio${few}`]: python('sync/peers/sync.py', 'asyncio_queue', maxsize ?? 0, fewItems),
      'Go, channel': go('sync/peers', 'queue', maxsize ?? items, items),
    },
    bars: [
      { against: `gevent, Queue${few}`, faster: gevent },
      { against: `Effect${few}`, faster: effect },
      { against: 'Go, channel', faster: goBar },
    ],
  };
}

export default [
  handOff(1, { fewItems: 100_000, bars: { gevent: 40, effect: 5, go: 1 } }),
  handOff(100, { fewItems: items, bars: { gevent: 5, effect: 5, go: 1 } }),
  handOff(undefined, { fewItems: items, bars: { gevent: 3, effect: 5, go: 1 } }),
];

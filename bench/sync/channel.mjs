// A channel keeps no item: each put waits for its get.
import { go, python } from '../harness/programs.mjs';
import { checkItem, genlets } from './tasks.mjs';

const items = 200_000;
const fewItems = 20_000;

export default {
  title: 'A channel, hand-off',
  about: 'One task puts, another gets; a put ends when its item has been taken.',
  unit: 'ns per item',
  cases: {
    async genlet() {
      const { Channel } = await import('../genlet.mjs');
      const channel = new Channel();
      const pass = await genlets(
        function* () {
          for (let item = 0; item < items; item++) yield* channel.put(item);
        },
        function* () {
          for (let item = 0; item < items; item++) checkItem(yield* channel.get(), item);
        },
      );
      return { operations: items, pass };
    },
    'gevent Channel': python('sync/peers/sync.py', 'gevent_channel', fewItems),
    'Go, unbuffered channel': go('sync/peers', 'queue', 0, items),
  },
};

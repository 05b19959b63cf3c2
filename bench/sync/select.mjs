// To get from whichever of two channels has something.
import { go } from '../harness/programs.mjs';
import { checkItem, genlets } from './tasks.mjs';

const items = 50_000; // from each

export default {
  title: 'Select over two channels',
  about: 'One task puts into the one, another into the other, a third selects between them.',
  unit: 'ns per item',
  cases: {
    async genlet() {
      const { Channel, select } = await import('../genlet.mjs');
      const one = new Channel();
      const two = new Channel();
      const putting = (channel) =>
        function* () {
          for (let item = 0; item < items; item++) yield* channel.put(item);
        };
      const pass = await genlets(putting(one), putting(two), function* () {
        let [fromOne, fromTwo] = [0, 0];
        for (let index = 0; index < 2 * items; index++) {
          const { key, value } = yield* select({ one: one.get(), two: two.get() });
          checkItem(value, key === 'one' ? fromOne++ : fromTwo++);
        }
      });
      return { operations: 2 * items, pass };
    },
    'Go, select': go('sync/peers', 'select', items),
  },
};

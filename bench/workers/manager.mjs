// A dict in the process of a manager. A Python thread waits for each answer before it asks the next; greenlets can ask meanwhile.
import { python } from '../harness/programs.mjs';
import { readingWithChildren, timeAndCpu } from './measure.mjs';

const calls = 2000;

/** So many greenlets share the calls, of which each has one under way. */
const setting = (greenlets) =>
  async function set() {
    const { joinall, run, spawn } = await import('../genlet.mjs');
    const { Manager } = await import('../../dist/workers/index.js');
    const manager = new Manager();
    const dict = await run(function* () {
      yield* manager.start();
      return yield* manager.dict();
    });
    function* setShare(first) {
      for (let key = first; key < calls; key += greenlets) yield* dict.set(key, key);
    }
    return readingWithChildren(calls, () =>
      run(function* () {
        yield* joinall(
          Array.from({ length: greenlets }, (_, first) => spawn(setShare, first)),
          { raiseError: true },
        );
        if ((yield* dict.size()) !== calls) throw new Error('not all calls were done');
      }),
    );
  };

export default {
  title: 'A dict of a manager',
  about: 'Sets a key to a number, in a process of its own that is reached by a Unix socket.',
  readings: timeAndCpu('call', [{ against: 'multiprocessing.Manager', faster: 6 }]),
  cases: {
    genlet: setting(100),
    'genlet, one call at a time': setting(1),
    'multiprocessing.Manager': python('workers/peers/workers.py', 'manager', calls),
  },
};

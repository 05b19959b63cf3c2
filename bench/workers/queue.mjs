// Items on their way from one thread or process to another, through a queue that any number of them could use.
import { python } from '../harness/programs.mjs';
import { reading, readingWithChildren, timeAndCpu } from './measure.mjs';

const items = 10_000;
const makeItem = (index) => ({ index, name: 'hello', numbers: [1, 2, 3] });

/** Puts all items into one queue, and waits for what the reader sends back by the other: how many they were. */
const sending = (read, { run }, queue, answers) =>
  read(items, () =>
    run(function* () {
      for (let index = 0; index < items; index++) yield* queue.put(makeItem(index));
      yield* queue.put(null);
      const count = yield* answers.get();
      if (count !== items) throw new Error(`${count} items arrived`);
    }),
  );

export default {
  title: 'A shared queue, 10,000 items',
  about:
    'One puts objects of three properties, the other one gets them: two threads in genlet, two processes in Python.',
  readings: timeAndCpu('item', [{ against: 'multiprocessing.Queue', faster: 1.5 }]),
  cases: {
    async genlet() {
      const genlet = await import('../genlet.mjs');
      const { shared, WorkerHub } = await import('../../dist/workers/index.js');
      const { drain } = await import('./reader.mjs');
      const [queue, answers] = [new shared.Queue(), new shared.Queue()];
      new WorkerHub({ size: 1 }).spawn(drain, queue, answers);
      return sending(reading, genlet, queue, answers);
    },
    async 'genlet, Queue of processes'() {
      const genlet = await import('../genlet.mjs');
      const { Process, Queue } = await import('../../dist/workers/index.js');
      const { drain } = await import('./reader.mjs');
      const [queue, answers] = [new Queue(), new Queue()];
      new Process(drain, [queue, answers], { daemon: true }).start();
      return sending(readingWithChildren, genlet, queue, answers);
    },
    'multiprocessing.Queue': python('workers/peers/workers.py', 'queue', items),
  },
};

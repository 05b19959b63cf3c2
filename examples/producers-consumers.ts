// Three producers and two consumers on one queue, and three ways to tell the consumers that there is no more to come.
// Python: queue.Queue with a sentinel; with task_done(), join() and daemon threads; with shutdown().
import { joinall, Queue, QueueShutDown, run, sleep, spawn } from 'genlet';

const PRODUCERS = ['A', 'B', 'C'];
const CONSUMERS = ['first', 'second'];
const END = 'end';

function* produce(queue: Queue<string>, producer: string) {
  for (let n = 1; n <= 4; n++) {
    yield* sleep(10);
    yield* queue.put(producer + n); // waits while the queue is full
  }
}

function* produceAll(queue: Queue<string>) {
  yield* joinall(PRODUCERS.map((producer) => spawn(produce, queue, producer)));
}

function* consume(consumer: string, item: string) {
  yield* sleep(20);
  console.log(`${consumer} consumed ${item}`);
}

/** The producers' end is followed by a sentinel for each consumer. */
function* bySentinel() {
  const queue = new Queue<string>(3);
  const consumers = CONSUMERS.map((consumer) =>
    spawn(function* () {
      for (let item; (item = yield* queue.get()) !== END; ) yield* consume(consumer, item);
    }),
  );
  yield* produceAll(queue);
  for (const _ of consumers) yield* queue.put(END);
  yield* joinall(consumers);
}

/** Waits until each item is reported as done. The consumers wait for more, but as daemons they keep nobody up. */
function* byJoin() {
  const queue = new Queue<string>(3);
  for (const consumer of CONSUMERS) {
    spawn(function* () {
      for (;;) {
        yield* consume(consumer, yield* queue.get());
        queue.taskDone();
      }
    }).daemon = true;
  }
  yield* produceAll(queue);
  yield* queue.join();
}

/** The queue itself says that there is no more. */
function* byShutdown() {
  const queue = new Queue<string>(3);
  const consumers = CONSUMERS.map((consumer) =>
    spawn(function* () {
      try {
        for (;;) yield* consume(consumer, yield* queue.get());
      } catch (error) {
        if (!(error instanceof QueueShutDown)) throw error;
      }
    }),
  );
  yield* produceAll(queue);
  queue.shutdown();
  yield* joinall(consumers);
}

await run(function* () {
  for (const way of [bySentinel, byJoin, byShutdown]) {
    console.log(`${way.name}:`);
    yield* way();
  }
});

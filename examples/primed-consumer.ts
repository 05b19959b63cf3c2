// A producer that hands items straight to a consumer, which is primed first: it runs up to where it waits for an item.
// Python: a generator as a consumer: next(consumer), consumer.send(item), consumer.close().
import { getcurrent, RawGreenlet, run } from 'genlet';

await run(function* () {
  const producer = getcurrent()!;
  const consumer = new RawGreenlet(function* () {
    try {
      for (;;) {
        const item: number = yield* producer.switch();
        console.log(`consumed ${item}`);
      }
    } finally {
      console.log('the consumer is closed');
    }
  });

  yield* consumer.switch(); // primes it: there is no item yet
  for (let item = 1; item <= 10; item++) {
    console.log(`produced ${item}`);
    yield* consumer.switch(item);
  }
  yield* consumer.throw(); // a GreenletExit, which is nobody's error
});

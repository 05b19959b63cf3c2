// A buffer of at most ten items: the producer waits while it is full, the consumer while it is empty.
// Python: threading.Condition with acquire(), wait(), notify() and release() around a list.
import { all, Condition, run, sleep } from 'genlet';

const SIZE = 10;
const ITEMS = 20;

class Buffer {
  readonly #items: number[] = [];
  readonly #changed = new Condition();

  *put(item: number) {
    using _ = yield* this.#changed.hold();
    yield* this.#changed.waitFor(() => this.#items.length < SIZE);
    this.#items.push(item);
    console.log(`put ${item}: ${this.#items.length} in the buffer`);
    this.#changed.notifyAll();
  }

  *take() {
    using _ = yield* this.#changed.hold();
    yield* this.#changed.waitFor(() => this.#items.length > 0);
    const item = this.#items.shift()!;
    console.log(`took ${item}: ${this.#items.length} in the buffer`);
    this.#changed.notifyAll();
    return item;
  }
}

const buffer = new Buffer();

function* produce() {
  for (let item = 1; item <= ITEMS; item++) {
    yield* buffer.put(item);
    yield* sleep(100);
  }
}

function* consume() {
  yield* sleep(1500); // until then the buffer is full
  for (let left = ITEMS; left > 0; left--) {
    yield* buffer.take();
    yield* sleep(30);
  }
}

await run(function* () {
  yield* all([produce(), consume()]);
});

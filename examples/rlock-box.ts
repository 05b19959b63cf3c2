// A box whose methods lock it and call each other: with a lock that its holder may take again, no one waits for itself.
// Python: class Box with self.lock = threading.RLock() and `with self.lock:` in execute, add and remove.
import { all, RLock, run, sleep } from 'genlet';

class Box {
  items = 0;
  readonly #lock = new RLock();

  *execute(change: number) {
    using _ = yield* this.#lock.hold();
    const { items } = this;
    yield* sleep(100);
    this.items = items + change;
  }

  *add() {
    using _ = yield* this.#lock.hold();
    yield* this.execute(+1);
    console.log(`added one: ${this.items}`);
  }

  *remove() {
    using _ = yield* this.#lock.hold();
    yield* this.execute(-1);
    console.log(`removed one: ${this.items}`);
  }
}

const box = new Box();

function* addSome(count: number) {
  for (; count > 0; count--) yield* box.add();
}

function* removeSome(count: number) {
  for (; count > 0; count--) yield* box.remove();
}

await run(function* () {
  yield* all([addSome(6), removeSome(4)]);
  console.log(`in the box: ${box.items}`);
});

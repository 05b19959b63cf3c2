// A producer that appends to a list and signals by an event; the consumer sleeps until there is something to take.
// Python: threading.Event with set(), wait() and clear(), around a list.
import { all, Event, run, sleep } from 'genlet';

const dishes = ['soup', 'bread', 'salad', 'fish', 'rice', 'cake'];
const ready: string[] = [];
const added = new Event();

function* produce() {
  for (const [index, dish] of dishes.entries()) {
    yield* sleep(index % 3 === 0 ? 2000 : 300); // three come together, then none for a while
    console.log(`produced ${dish}`);
    ready.push(dish);
    added.set();
  }
}

function* consume() {
  for (let left = dishes.length; left > 0; ) {
    yield* added.wait();
    added.clear(); // before it looks: what is added from now on sets it again, so nothing is overlooked
    const taken = ready.splice(0);
    console.log(`consumes ${taken.join(' and ')}`);
    left -= taken.length;
    yield* sleep(1000);
  }
}

await run(function* () {
  yield* all([produce(), consume()]);
});

// Two coroutines that hand control to each other by raw switches; the first switch to each brings its argument.
// Python: greenlet(eat), greenlet(play) and g.switch(name).
import { RawGreenlet, run } from 'genlet';

await run(function* () {
  const eater = new RawGreenlet(function* (name: string) {
    console.log(`${name}: eat 1`);
    yield* player.switch(name);
    console.log(`${name}: eat 2`);
    yield* player.switch();
  });
  const player = new RawGreenlet(function* (name: string) {
    console.log(`${name}: play 1`);
    yield* eater.switch();
    console.log(`${name}: play 2`);
  });
  yield* eater.switch('Egon'); // comes back when the player has ended, for this is its parent
});

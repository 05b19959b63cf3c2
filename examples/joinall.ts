// Two greenlets that sleep at the same time, so both are done after the longer sleep; then their values are read.
// Python: gevent.spawn(eat), gevent.spawn(play), gevent.joinall and greenlet.value.
import { getHub, joinall, run, sleep, spawn } from 'genlet';

function* eat(name: string) {
  console.log(`${name} eats`);
  yield* sleep(2000);
  console.log(`${name} has eaten`);
  return 'eat';
}

function* play(name: string) {
  console.log(`${name} plays`);
  yield* sleep(3000);
  console.log(`${name} has played`);
  return 'play';
}

await run(function* () {
  const hub = getHub();
  const begin = hub.now();
  const both = [spawn(eat, 'Egon'), spawn(play, 'Alex')];
  yield* joinall(both);
  const seconds = Math.round((hub.now() - begin) / 1000);
  console.log(`${both.map(({ value }) => value).join(' and ')}: ${seconds} s in all`);
});

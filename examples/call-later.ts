// Three functions that schedule each other, once a second, on a bare hub without greenlets, until the time is over.
// Python: loop.call_soon, loop.call_later, loop.time, loop.run_forever and loop.stop of asyncio.
import { getHub } from 'genlet';

const hub = getHub();
const end = hub.now() + 9000;

function one() {
  console.log('1');
  schedule(two);
}

function two() {
  console.log('2');
  schedule(three);
}

function three() {
  console.log('3');
  schedule(one);
}

function schedule(next: () => void) {
  if (hub.now() + 1000 < end) hub.callLater(1000, next);
  else hub.stop();
}

hub.callSoon(one);
await hub.runForever();
console.log('stopped');

// Two greenlets that meet at a barrier go on at the same time; two others, with the same work, do not wait for each other.
// Python: threading.Barrier(2), barrier.wait() and time.time().
import { Barrier, getHub, joinall, run, sleep, spawn } from 'genlet';

const hub = getHub();
const begin = hub.now();
const barrier = new Barrier(2);

function report(name: string) {
  console.log(`${name}: after ${((hub.now() - begin) / 1000).toFixed(1)} s`);
}

function* meet(name: string, ms: number) {
  yield* sleep(ms);
  yield* barrier.wait();
  report(name);
}

function* passBy(name: string, ms: number) {
  yield* sleep(ms);
  report(name);
}

await run(function* () {
  yield* joinall([
    spawn(meet, 'early, with the barrier', 1000),
    spawn(meet, 'late, with the barrier', 2000),
    spawn(passBy, 'early, without', 1000),
    spawn(passBy, 'late, without', 2000),
  ]);
});

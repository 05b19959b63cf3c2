// Three processes say that they run and that they are done: all at once, then one at a time, by a lock that they share.
// Python: multiprocessing.Process(target=work, args=(lock,)) and `with lock:`.
import { sleep } from 'genlet';
import { currentProcess, Event, Lock, main, Process, Semaphore } from 'genlet/workers';

interface Round {
  ready: Semaphore;
  start: Event;
  lock: Lock | undefined;
}

/** Exported, so that it can be found in another process. */
export function* work(rounds: Round[]) {
  const { name } = currentProcess();
  for (const { ready, start, lock } of rounds) {
    ready.release();
    yield* start.wait();
    using _ = lock && (yield* lock.hold());
    console.log(`${name} is running`);
    yield* sleep(200);
    console.log(`${name} is done`);
  }
}

main(import.meta.url, function* () {
  const rounds = [undefined, new Lock()].map((lock) => ({ ready: new Semaphore(0), start: new Event(), lock }));
  const processes = ['one', 'two', 'three'].map((name) => new Process(work, [rounds], { name }));
  for (const process of processes) process.start();
  for (const { ready, start, lock } of rounds) {
    for (const _ of processes) yield* ready.acquire(); // all are there, and have done what was before
    console.log(lock === undefined ? 'without a lock:' : 'with a lock:');
    start.set();
  }
});

// The lives of five processes: one ends by itself, one by an exit code, one is ended, one is a class, one is a daemon.
// Python: multiprocessing.Process with start, join, is_alive, terminate, pid, name, exitcode, daemon, and a subclass.
import { sleep } from 'genlet';
import { activeChildren, currentProcess, Event, main, Process } from 'genlet/workers';

// Exported, so that they can be found in another process.
export function* nap(ms: number) {
  yield* sleep(ms);
}

export function exit(code: number) {
  process.exit(code);
}

export function* watch(onDuty: Event) {
  try {
    onDuty.set();
    yield* sleep(3_600_000);
  } finally {
    console.log(`${currentProcess().name}: ended with the program`);
  }
}

export class Countdown extends Process {
  readonly first: number;

  constructor(first: number) {
    super(null, [], { name: 'countdown' });
    this.first = first;
  }

  override *run() {
    for (let i = this.first; i > 0; i--) {
      console.log(`${this.name}: ${i}`);
      yield* sleep(10);
    }
  }
}

function report(process: Process) {
  const { name, pid, exitcode } = process;
  console.log(`${name}: pid ${pid}, ${process.isAlive() ? 'alive' : 'not alive'}, exit code ${exitcode}`);
}

main(import.meta.url, function* () {
  const onDuty = new Event();
  const watcher = new Process(watch, [onDuty], { name: 'watcher', daemon: true });
  const countdown = new Countdown(3);
  const quick = new Process(nap, [10], { name: 'quick' });
  const failing = new Process(exit, [1], { name: 'failing' });
  const slow = new Process(nap, [60_000], { name: 'slow' });

  report(quick);
  for (const process of [watcher, countdown, quick, failing, slow]) process.start();
  report(quick);

  for (const process of [countdown, quick, failing]) {
    yield* process.join();
    report(process);
  }

  yield* slow.join(100);
  report(slow);
  slow.terminate();
  yield* slow.join();
  report(slow);

  yield* onDuty.wait();
  console.log(`left: ${activeChildren().map(({ name }) => name)}`);
});

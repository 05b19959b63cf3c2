// A daemon beside an ordinary greenlet: it does not keep the program alive, and can tidy up when it has to go.
// Python: threading.Thread(target=watch, daemon=True), which is cut off without its finally.
import { sleep, spawn } from 'genlet';

function* watch() {
  try {
    for (let beat = 1; ; beat++) {
      console.log(`daemon: beat ${beat}`);
      yield* sleep(1000);
    }
  } finally {
    console.log('daemon: tidied up');
  }
}

function* work() {
  console.log('worker: begins');
  yield* sleep(3500);
  console.log('worker: is done');
}

const daemon = spawn(watch);
daemon.daemon = true;
spawn(work);

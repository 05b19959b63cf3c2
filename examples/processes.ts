// Two processes side by side, and as much patience with both as --timeout says.
// Python: gevent's processes.py, with gevent.subprocess.Popen and gevent.wait([p1, p2], timeout=2).
import { run, wait } from 'genlet';
import { Popen } from 'genlet/io';
import { readOptions, wholeNumber } from './support/options.ts';

const { timeout } = readOptions({ timeout: wholeNumber(2000) });

await run(
  function* () {
    using quick = yield* Popen.spawn(['uname', '-s'], { stdout: 'pipe', encoding: 'utf8' });
    using slow = yield* Popen.spawn(['sleep', '60']);
    console.log(`uname is process ${quick.pid}, sleep is process ${slow.pid}`);
    const ended = yield* wait([quick, slow], { timeout });
    console.log(`${ended.length} of 2 ended within ${timeout} ms`);

    for (const process of [quick, slow]) {
      const state = process.poll() === undefined ? 'is still running' : `ended with ${process.returncode}`;
      console.log(`${process.args[0]} ${state}`);
    }
    console.log(`uname wrote ${(yield* quick.stdout.readAll()).trim()}`);

    slow.terminate(); // the end of the block would do the same, but nobody would know how it went
    console.log(`sleep ended with ${yield* slow.wait()}`);
  },
  { signals: true },
);

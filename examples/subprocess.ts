// Runs a program, pipes text through one, talks to one line by line, and ends one that takes too long.
// Python: subprocess.run, check_output, Popen.communicate and TimeoutExpired.
import { CalledProcessError, run, TimeoutExpired } from 'genlet';
import { checkOutput, Popen, runProcess } from 'genlet/io';

function* multiply(...pairs: [number, number][]) {
  const loop = 'while read a b; do echo $((a * b)); done';
  using shell = yield* Popen.spawn(['sh', '-c', loop], { stdin: 'pipe', stdout: 'pipe' });
  for (const pair of pairs) {
    yield* shell.stdin.write(`${pair.join(' ')}\n`);
    console.log(`${pair.join(' x ')} is ${yield* shell.stdout.readline()}`);
  }
  yield* shell.stdin.end();
  console.log(`sh ended with ${yield* shell.wait()}`);
}

await run(
  function* () {
    console.log(yield* checkOutput(['echo', '-n', 'hello'], { encoding: 'utf8' }));

    const birds = 'wren\nowl\njay\n';
    const { stdout } = yield* runProcess(['sort'], { input: birds, captureOutput: true, encoding: 'utf8' });
    console.log(`sorted: ${stdout.trim().split('\n').join(', ')}`);

    yield* multiply([6, 7], [12, 12]);

    try {
      yield* runProcess(['ls', '/no/such/folder'], { captureOutput: true, check: true });
    } catch (error) {
      if (!(error instanceof CalledProcessError)) throw error;
      console.log(`${error.message}: ${String(error.stderr).trim()}`);
    }

    try {
      yield* runProcess('echo so far; exec sleep 60', { shell: true, stdout: 'pipe', timeout: 200 });
    } catch (error) {
      if (!(error instanceof TimeoutExpired)) throw error;
      console.log(`${error.message}; it wrote: ${String(error.stdout).trim()}`); // and it runs no more
    }
  },
  { signals: true },
);

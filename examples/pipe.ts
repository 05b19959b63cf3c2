// A parent and its child talk over a pipe: objects in both directions, looking whether there is one, and the end.
// Python: multiprocessing.Pipe() with send, recv, poll and close; EOFError.
import { EOFError, sleep } from 'genlet';
import { type Connection, main, Pipe, Process } from 'genlet/workers';

/** Exported, so that it can be found in another process. */
export function* echo(connection: Connection) {
  try {
    for (;;) {
      const value = yield* connection.recv();
      yield* sleep(100);
      yield* connection.send({ echo: value });
    }
  } catch (error) {
    if (!(error instanceof EOFError)) throw error;
    console.log('child: the parent has closed its end');
  }
}

main(import.meta.url, function* () {
  const [here, there] = Pipe();
  const child = new Process(echo, [there]);
  child.start();
  console.log(`parent: the other end is the child's now: ${there.closed}`);

  yield* here.send('are you there?');
  console.log(`parent: an answer at once: ${yield* here.poll()}`);
  console.log(`parent: an answer in time: ${yield* here.poll(60_000)}`);
  console.log('parent:', yield* here.recv());
  for (const value of [[1, 2, 3], new Map([['key', { of: 'a map' }]]), new Date(0), undefined]) {
    yield* here.send(value);
    console.log('parent:', yield* here.recv());
  }

  here.close();
  yield* child.join();
  console.log(`parent: the child ended with ${child.exitcode}`);
});

// 100 clients in several processes buy from a JSON file that has one ticket left: without a lock, then with one.
// Python: multiprocessing.Process and multiprocessing.Lock.
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { all, type Coroutine, sleep } from 'genlet';
import { fs } from 'genlet/io';
import { Event, Lock, main, Process, Queue, Semaphore } from 'genlet/workers';
import { readOptions, wholeNumber } from './support/options.ts';

/** One client. Gives how many tickets it has bought. */
function* buy(path: string, lock: Lock | undefined): Coroutine<number> {
  using _ = lock && (yield* lock.hold());
  const { tickets } = JSON.parse(yield* fs.readFile(path, 'utf8'));
  if (tickets === 0) return 0;
  yield* sleep(20); // it pays, and meanwhile others look into the file
  yield* fs.writeFileAtomic(path, JSON.stringify({ tickets: tickets - 1 })); // nobody reads half a file
  return 1;
}

interface Round {
  name: string;
  lock: Lock | undefined;
  ready: Semaphore;
  open: Event;
  sold: Queue<number>;
}

function makeRound(name: string, lock?: Lock): Round {
  return { name, lock, ready: new Semaphore(0), open: new Event(), sold: new Queue<number>() };
}

/** One process, with its share of the clients. Exported, so that it can be found there. */
export function* serveClients(clients: number, path: string, rounds: Round[]) {
  for (const { lock, ready, open, sold } of rounds) {
    ready.release();
    yield* open.wait();
    const tickets = yield* all(Array.from({ length: clients }, () => buy(path, lock)));
    yield* sold.put(tickets.reduce((sum, count) => sum + count, 0));
  }
}

main(import.meta.url, function* () {
  const { clients, processes } = readOptions({
    clients: wholeNumber(100, { least: 2 }),
    processes: wholeNumber(4, { least: 1, most: 100 }),
  });
  console.log(`${clients} clients in ${processes} processes, 1 ticket`);
  const folder = yield* fs.mkdtemp(join(tmpdir(), 'ticket-office-'));
  const path = join(folder, 'office.json');
  try {
    const rounds = [makeRound('without a lock'), makeRound('with a lock', new Lock())];
    for (let i = 0; i < processes; i++) {
      const share = Math.floor((clients + i) / processes);
      new Process(serveClients, [share, path, rounds]).start();
    }
    for (const { name, ready, open, sold } of rounds) {
      yield* fs.writeFile(path, JSON.stringify({ tickets: 1 }));
      for (let i = 0; i < processes; i++) yield* ready.acquire();
      open.set(); // to all at once
      let total = 0;
      for (let i = 0; i < processes; i++) total += yield* sold.get();
      console.log(`${name}: ${total} sold`);
    }
  } finally {
    yield* fs.rm(folder, { recursive: true });
  }
});

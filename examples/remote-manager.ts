// Two queues, served over TCP to other processes, which need the key: by the wrong one they get nothing but an error.
// The same over a bare connection. Python: multiprocessing.managers.BaseManager, connection.Listener and Client.
import { randomBytes } from 'node:crypto';
import { AuthenticationError, type Coroutine, Queue } from 'genlet';
import { Client, Listener, Manager, main, Process, type QueueProxy } from 'genlet/workers';

class Office extends Manager {}

/** A place, as it can be sent. */
interface Place {
  host: string;
  port: number;
}

/** Works off what the office has to do. */
function* work(place: Place, authkey: string): Coroutine<string> {
  using office = yield* Office.connect(place, { authkey });
  const tasks = yield* office.create<QueueProxy<number | null>>('tasks');
  const results = yield* office.create<QueueProxy<string>>('results');
  let count = 0;
  for (let n; (n = yield* tasks.get()) !== null; count++) yield* results.put(`${n} squared is ${n * n}`);
  return `has worked off ${count} tasks`;
}

/** Asks a bare listener. */
function* ask(place: Place, authkey: string): Coroutine<string> {
  using connection = yield* Client(place, { authkey });
  yield* connection.send({ question: 'what is the answer?' });
  const { answer } = yield* connection.recv();
  return `heard that the answer is ${answer}`;
}

/** Another process. Exported, so that it can be found there. */
export function* visit(office: Place, listener: Place, who: string, authkey: string) {
  for (const task of [() => work(office, authkey), () => ask(listener, authkey)]) {
    try {
      console.log(`${who} ${yield* task()}`);
    } catch (error) {
      if (!(error instanceof AuthenticationError)) throw error;
      console.log(`${who} was refused: ${error.message.replace(/^\S+ /, '')}`);
    }
  }
}

main(import.meta.url, function* () {
  const authkey = randomBytes(32).toString('hex'); // to be given to whom it concerns
  const tasks = new Queue<number | null>(null, [1, 2, 3, null]);
  const results = new Queue<string>();
  Office.register('tasks', () => tasks);
  Office.register('results', () => results);
  using office = new Office('127.0.0.1:0', { authkey }).getServer();
  yield* office.start();
  using listener = new Listener('127.0.0.1:0', { authkey });
  yield* listener.start();

  const places = [office.address, listener.address].map(({ host, port }) => ({ host, port }));
  const stranger = new Process(visit, [...places, 'the stranger', 'a guess']);
  stranger.start();
  yield* stranger.join();
  console.log(`refused: ${office.statistics().refused} by the manager, ${listener.refused} by the listener`);

  const colleague = new Process(visit, [...places, 'the colleague', authkey]);
  colleague.start();
  using connection = yield* listener.accept();
  console.log(`asked: ${(yield* connection.recv()).question}`);
  yield* connection.send({ answer: 42 });
  yield* colleague.join();
  while (!results.empty()) console.log(yield* results.get());
});

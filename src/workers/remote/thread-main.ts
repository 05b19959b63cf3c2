/** What every worker thread runs. */
import { receiveMessageOnPort, workerData } from 'node:worker_threads';
import '../manager/proxies.ts'; // so that proxies of managers can arrive
import { setThreadName } from '../worker-name.ts';
import { unload } from './cargo.ts';
import { JobRunner } from './job-runner.ts';
import { Word, type WorkerSetup } from './protocol.ts';
import './remote-channel.ts'; // so that channels can arrive
import type { ThreadData } from './thread-link.ts';
import type { Transferable } from './worker-link.ts';

const { port, words, ...data } = workerData as ThreadData;
const setup = unload(data.setup) as WorkerSetup;
setThreadName(setup.name);

const link = {
  send: (message: unknown, transfer: readonly Transferable[]) => port.postMessage(message, transfer as Transferable[]),
  poll: () => receiveMessageOnPort(port)?.message,
  exit: () => process.exit(0),
};
const progress = {
  started: (order: number) => void Atomics.store(words, Word.STARTED, order),
  running: (order: number) => {
    words[Word.RUNNING] = order;
  },
};
const runner = new JobRunner(link, setup, progress);
// A message that can't be read is a job that would never end.
port.on('messageerror', (error) => {
  throw error;
});
port.on('message', (message) => runner.receive(message));
await runner.start();

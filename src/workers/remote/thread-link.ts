/** A worker that is a thread. */
import {
  MessageChannel,
  type MessagePort,
  type ResourceLimits,
  receiveMessageOnPort,
  Worker,
} from 'node:worker_threads';
import { bootstrap, moduleUrl } from '../module-url.ts';
import { load } from './cargo.ts';
import { Word, type WorkerSetup } from './protocol.ts';
import type { LinkEvents, Transferable, WorkerLink } from './worker-link.ts';

const entry = moduleUrl('remote/thread-main');

/** What the thread finds in `workerData`. @internal */
export interface ThreadData {
  readonly genletEntry: string;
  readonly port: MessagePort;
  readonly words: Int32Array;
  /** A `WorkerSetup` in which what had to be packed was packed. */
  readonly setup: unknown;
}

/** @internal */
export class ThreadLink implements WorkerLink {
  readonly #worker: Worker;
  readonly #port: MessagePort;
  readonly #words = new Int32Array(new SharedArrayBuffer(4 * Word.COUNT));

  constructor(setup: WorkerSetup, events: LinkEvents, resourceLimits: ResourceLimits | undefined) {
    // A channel of its own, for a worker's built-in one hands each message on twice.
    const { port1, port2 } = new MessageChannel();
    const freight = load(setup);
    const workerData: ThreadData = { genletEntry: entry, port: port2, words: this.#words, setup: freight.value };
    this.#port = port1;
    this.#worker = new Worker(bootstrap, {
      name: setup.name,
      workerData,
      transferList: [port2, ...(freight.transfer as MessagePort[])],
      ...(resourceLimits === undefined ? undefined : { resourceLimits }),
    });
    let failure: unknown;
    this.#worker.on('error', (error) => {
      failure = error;
    });
    this.#worker.once('exit', (exitCode) => {
      for (let left = receiveMessageOnPort(port1); left !== undefined; left = receiveMessageOnPort(port1)) {
        events.received(left.message);
      }
      port1.close();
      events.exited(exitCode, failure);
    });
    port1.on('messageerror', (error) => {
      failure = error;
      this.terminate();
    });
    port1.on('message', (message) => events.received(message));
    this.unref();
  }

  send(message: unknown[], transfer: readonly Transferable[]): void {
    this.#port.postMessage(message, transfer as Transferable[]);
  }

  ref(): void {
    this.#worker.ref();
    this.#port.ref();
  }

  unref(): void {
    this.#worker.unref();
    this.#port.unref();
  }

  terminate(): void {
    void this.#worker.terminate();
  }

  started(): number {
    return Atomics.load(this.#words, Word.STARTED);
  }

  running(): number {
    return Atomics.load(this.#words, Word.RUNNING);
  }
}

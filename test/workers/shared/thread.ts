/** A thread that does the jobs of fixtures/shared-thread.ts. */
import { Worker } from 'node:worker_threads';
import { packShared } from '../../../src/workers/shared/transport.ts';
import type { jobs } from '../fixtures/shared-thread.ts';

const bootstrap = new URL('../../../src/workers/bootstrap.mjs', import.meta.url);
const entry = new URL('../fixtures/shared-thread.ts', import.meta.url);

type Jobs = typeof jobs;

const packed = (argument: unknown): unknown => {
  const descriptor = packShared(argument);
  if (descriptor !== undefined) return descriptor;
  if (typeof argument !== 'object' || argument === null || Array.isArray(argument)) return argument;
  return Object.fromEntries(Object.entries(argument).map(([key, value]) => [key, packed(value)]));
};

export class Thread {
  readonly worker: Worker;
  readonly id: number;
  #calls = 0;

  static async start(): Promise<Thread> {
    const thread = new Thread();
    await thread.#next((message) => 'ready' in message, 'ready');
    return thread;
  }

  private constructor() {
    this.worker = new Worker(bootstrap, { workerData: { genletEntry: entry.href } });
    this.id = this.worker.threadId;
  }

  /** Starts a job, and gives its result; 'exited' if the thread ends before. */
  call<J extends keyof Jobs>(job: J, ...args: unknown[]): Promise<any> {
    const id = ++this.#calls;
    this.worker.postMessage({ id, job, args: args.map(packed) });
    return this.#next((message) => message.id === id, 'value');
  }

  /** Waits until the limited part of traffic is over. */
  done(): Promise<unknown> {
    return this.#next((message) => 'done' in message, 'done');
  }

  #next(isMine: (message: Record<string, unknown>) => boolean, key: string): Promise<any> {
    const answer = new Promise((resolve, reject) => {
      const settle = (end: () => void) => {
        this.worker.off('message', onMessage).off('exit', onExit).off('error', onError);
        end();
      };
      const onMessage = (message: Record<string, unknown>) => {
        if ('error' in message) settle(() => reject(new Error(`in the thread: ${message.error}`)));
        else if (isMine(message)) settle(() => resolve(message[key]));
      };
      const onExit = () => settle(() => resolve('exited'));
      const onError = (error: unknown) => settle(() => reject(error));
      this.worker.setMaxListeners(100).on('message', onMessage).on('exit', onExit).on('error', onError);
    });
    answer.catch(() => {}); // a test may not wait for it any more
    return answer;
  }

  async end(): Promise<void> {
    await this.worker.terminate();
  }
}

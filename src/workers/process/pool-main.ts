/** What runs in a process that is a worker of a pool: it does what a worker thread does, over the link to its parent. */
import { writeSync } from 'node:fs';
import { JobRunner, type Progress } from '../remote/job-runner.ts';
import { commit, decode, encode, type Frame } from './frame.ts';
import type { Link } from './link.ts';
import { Process } from './process.ts';
import { COUNT_BYTES, COUNT_FD, type PoolOrder } from './process-link.ts';

/**
 * How many jobs have begun, for the parent. A call of the system for each would cost as much as a small job itself: of those
 * that take some microseconds, several are noted at once. Should the process die without an exit in that moment, those of
 * them that have not begun count as lost, for nobody can tell.
 */
class Count implements Progress {
  readonly #bytes = Buffer.alloc(COUNT_BYTES);
  #begun = 0;
  #noted = 0;

  started(order: number, soon: number): void {
    this.#begun = order;
    if (order > this.#noted || soon <= order) this.#note(Math.max(order, soon));
  }

  running(): void {}

  /** From now on, nothing begins. */
  settle(): void {
    this.#note(this.#begun);
  }

  #note(order: number): void {
    if (order === this.#noted) return;
    this.#noted = order;
    this.#bytes.writeDoubleLE(order, 0);
    writeSync(COUNT_FD, this.#bytes, 0, COUNT_BYTES, 0);
  }
}

/** Gives what is to be called with each message. @internal */
export function runPool({ pool }: PoolOrder, link: Link): (frame: Frame) => void {
  process.on('SIGINT', () => {}); // Ctrl-C reaches it, too: what happens is for its parent to say
  new Process(null, [], { name: pool.name, daemon: true }).become();
  const progress = new Count();
  process.on('exit', () => progress.settle());
  const wire = {
    send: (message: unknown) => link.control(commit(encode(message, 'result'))),
    poll: () => undefined,
    exit: () => process.exit(0),
  };
  const runner = new JobRunner(wire, pool, progress);
  void runner.start();
  return (frame) => runner.receive(decode(frame) as unknown[]);
}

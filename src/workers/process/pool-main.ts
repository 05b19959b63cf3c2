/** What runs in a process that is a worker of a pool: it does what a worker thread does, over the link to its parent. */
import { writeSync } from 'node:fs';
import { JobRunner, type Progress } from '../remote/job-runner.ts';
import { commit, decode, encode, type Frame } from './frame.ts';
import type { Link } from './link.ts';
import { Process } from './process.ts';
import { COUNT_BYTES, COUNT_FD, type PoolOrder } from './process-link.ts';

/** Gives what is to be called with each message. @internal */
export function runPool({ pool }: PoolOrder, link: Link): (frame: Frame) => void {
  process.on('SIGINT', () => {}); // Ctrl-C reaches it, too: what happens is for its parent to say
  new Process(null, [], { name: pool.name, daemon: true }).become();
  const count = Buffer.alloc(COUNT_BYTES);
  const progress: Progress = {
    started(order: number): void {
      count.writeDoubleLE(order, 0);
      writeSync(COUNT_FD, count, 0, COUNT_BYTES, 0);
    },
    running(): void {},
  };
  const wire = {
    send: (message: unknown) => link.control(commit(encode(message, 'result'))),
    poll: () => undefined,
    exit: () => process.exit(0),
  };
  const runner = new JobRunner(wire, pool, progress);
  void runner.start();
  return (frame) => runner.receive(decode(frame) as unknown[]);
}

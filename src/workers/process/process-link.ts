/**
 * A worker of a pool that is a process.
 *
 * How many jobs it has begun must be known exactly when it has died, so it writes that into a file without a name, to
 * which both have a descriptor: a write of some bytes there costs a microsecond, and outlives the process.
 */
import { closeSync, openSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { WorkerSetup } from '../remote/protocol.ts';
import type { LinkEvents, WorkerLink } from '../remote/worker-link.ts';
import { Child } from './child-process.ts';
import { addPooled, removePooled } from './children.ts';
import { commit, decode, encode, type Frame } from './frame.ts';
import { estate } from './inheritance.ts';

/** What the child is told first, in place of an `Order`. @internal */
export interface PoolOrder {
  readonly pool: WorkerSetup;
  readonly estate: Record<string, unknown>;
}

/** The descriptor of the file, in the child. @internal */
export const COUNT_FD = 5;
/** @internal */
export const COUNT_BYTES = 8;

let files = 0;

/** A file that has no name any more. */
function namelessFile(): number {
  const path = join(tmpdir(), `genlet-${process.pid}-${++files}-${Math.random().toString(36).slice(2)}`);
  const fd = openSync(path, 'wx+', 0o600);
  rmSync(path);
  return fd;
}

/** @internal */
export class ProcessLink implements WorkerLink {
  readonly #child: Child;
  readonly #fd: number;
  /** Once it has ended. */
  #count: number | undefined;

  constructor(setup: WorkerSetup, events: LinkEvents) {
    this.#fd = namelessFile();
    let failure: Error | undefined;
    let code = 1;
    this.#child = new Child(
      {
        onControl: (frame: Frame) => events.received(decode(frame)),
        onExit: (exitcode) => {
          code = exitcode;
        },
        onError: (error) => {
          failure = error;
        },
        toString: () => setup.name,
      },
      [this.#fd],
    );
    const { process } = this.#child;
    addPooled(process);
    // All that it sent has been read by then.
    process.once('close', () => {
      removePooled(process);
      this.#count = this.started();
      closeSync(this.#fd);
      events.exited(code, failure);
    });
    const order: PoolOrder = { pool: setup, estate: estate() };
    this.#child.link.control(commit(encode(order, setup.name)));
    this.unref();
  }

  send(message: unknown[]): void {
    this.#child.link.control(commit(encode(message, 'message')));
  }

  ref(): void {
    this.#child.process.ref();
  }

  unref(): void {
    this.#child.process.unref();
  }

  terminate(): void {
    this.#child.process.kill('SIGKILL');
  }

  started(): number {
    if (this.#count !== undefined) return this.#count;
    const bytes = Buffer.alloc(COUNT_BYTES);
    readSync(this.#fd, bytes, 0, COUNT_BYTES, 0);
    return bytes.readDoubleLE(0);
  }

  /** Nobody looks into a process. */
  running(): number {
    return 0;
  }
}

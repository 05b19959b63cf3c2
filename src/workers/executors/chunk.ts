/** Some items of a mapping that go to a worker together, and what came of them. */
import { CancelledError, isExit } from '../../core/errors.ts';
import type { Greenlet } from '../../core/greenlet.ts';
import { State } from '../../core/greenlet-state.ts';
import { Link } from '../../core/links.ts';
import { type PackedError, unpackError } from '../packed-error.ts';
import type { RemoteGreenlet } from '../remote/remote-greenlet.ts';
import { noteCost } from './chunk-size.ts';
import type { Crew, Task } from './crew.ts';
import type { ChunkOutcome } from './run-chunk.ts';

const { FAILED } = State;

/** Whoever gave it away. @internal */
export interface ChunkOwner {
  chunkEnded(chunk: Chunk): void;
}

/** @internal */
export class Chunk extends Link {
  readonly length: number;
  ended = false;
  job: RemoteGreenlet<any> | undefined;
  readonly #owner: ChunkOwner;
  readonly #task: Task;
  #values: unknown[] = [];
  /** By their places. */
  #errors: Map<number, unknown> | undefined;
  /** Of the chunk as a whole. */
  #failure: { readonly error: unknown } | undefined;
  #read = 0;

  constructor(owner: ChunkOwner, task: Task, length: number) {
    super();
    this.#owner = owner;
    this.#task = task;
    this.length = length;
  }

  /** Gives the items to a worker. A single one goes as a call of its own. */
  start(crew: Crew, items: unknown[], spread: boolean): void {
    const { single, chunk, reference } = this.#task;
    const isSingle = items.length === 1;
    const args = isSingle
      ? spread
        ? (items[0] as unknown[])
        : items
      : [reference.module, reference.name, items, spread];
    this.job = crew.makeJob(isSingle ? single : chunk, args);
    this.job.addLink(this);
    crew.submit(this.job);
  }

  /** Ends without having been started. */
  fail(error: unknown): void {
    this.#failure = { error };
    this.ended = true;
  }

  notify(job: Greenlet<any>): void {
    this.removeFrom(job);
    this.ended = true;
    if (job.state === FAILED) this.#failure = { error: job.takeError() };
    else if (isExit(job.slot)) this.#failure = { error: new CancelledError(job.slot.message) };
    else if (this.length === 1) this.#values = [job.slot];
    else this.#take(job.slot as ChunkOutcome);
    this.#owner.chunkEnded(this);
  }

  #take([us, values, failures]: ChunkOutcome): void {
    this.#values = values;
    noteCost(this.#task, us, values);
    if (failures.length === 0) return;
    this.#errors = new Map();
    for (let i = 0; i < failures.length; i += 2) {
      this.#errors.set(failures[i] as number, unpackError(failures[i + 1] as PackedError));
    }
  }

  /** Whether all of it has been read. */
  get over(): boolean {
    return this.#read === this.length;
  }

  /** The result of the next item; throws its error. */
  next(): unknown {
    const place = this.#read++;
    if (this.#failure !== undefined) throw this.#failure.error;
    if (this.#errors?.has(place)) throw this.#errors.get(place);
    return this.#values[place];
  }

  /** Puts its results into a list, from `start` on; throws the first error. */
  copyTo(results: unknown[], start: number): void {
    const values = this.#values;
    if (this.#failure === undefined && this.#errors === undefined) {
      for (let i = 0; i < values.length; i++) results[start + i] = values[i];
    } else while (!this.over) results[start + this.#read] = this.next();
  }
}

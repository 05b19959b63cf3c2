/**
 * A function over many items, in chunks: what is behind `map`, `imap` and their kin.
 *
 * Chunks are cut when there is somebody to do them, not before, for their size follows from what those before them took.
 * The end of a chunk brings on the next one, so nobody needs to be reading. Items that need not be waited for are read in
 * place, others by a greenlet, which ends when enough is read and is started again by the reader.
 */
import { CancelledError, GreenletExit, isExit } from '../../core/errors.ts';
import type { Iteration } from '../../core/from-async-iterable.ts';
import { Greenlet } from '../../core/greenlet.ts';
import { hub } from '../../core/hub.ts';
import type { Coroutine } from '../../core/operation.ts';
import { startNow } from '../../core/spawn.ts';
import { Timeout } from '../../core/timeout.ts';
import { SyncIteration } from '../../sync/items.ts';
import { LotWait } from '../../sync/lot-wait.ts';
import { ParkingLot } from '../../sync/parking-lot.ts';
import { Ring } from '../../sync/ring.ts';
import { addAwaited } from '../packed-error.ts';
import { Chunk, type ChunkOwner } from './chunk.ts';
import { adaptedLength, affordableLength, CHUNKS_AHEAD } from './chunk-size.ts';
import type { Crew, Task, Undertaking } from './crew.ts';

/** Chunks of a fixed size that are on the way at once. */
const MOST_CHUNKS = 1024;

/** @internal */
export interface MappingPlan {
  /** How the call is named in messages. */
  readonly call: string;
  /** Whether items are lists of arguments. */
  readonly spread: boolean;
  readonly chunksize: number | 'auto';
  readonly ordered: boolean;
  /** How many items may be in work, or done and not read. */
  readonly maxsize: number;
  /** For all together, in milliseconds. */
  readonly timeout: number | undefined;
}

/** @internal */
export class Mapping<R> implements Iteration<R>, ChunkOwner, Undertaking {
  readonly #crew: Crew;
  readonly #task: Task;
  readonly #source: Iteration<unknown>;
  readonly #plan: MappingPlan;
  readonly #due: number | undefined;
  readonly #readers = new ParkingLot(this, 'next');
  /** Those who wait for all. */
  readonly #collectors = new ParkingLot(this, 'all');
  #maxsize: number;
  /** Items that are in no chunk yet, from `#first` on. */
  #items: unknown[] = [];
  #first = 0;
  /** Chunks that are in work or, if ordered, behind one that is; in their order. */
  readonly #chunks = new Set<Chunk>();
  #inWork = 0;
  readonly #ready = new Ring<Chunk>();
  /** Items that were read and whose results were not. */
  #unread = 0;
  #exhausted = false;
  #feeder: Greenlet<void> | undefined;
  #reading = false;
  /** What reading the items threw: to be thrown behind the last result. */
  #failure: { readonly error: unknown } | undefined;
  #filling = false;
  #ended = false;
  #whenEnded: (() => void) | undefined;

  constructor(crew: Crew, task: Task, source: Iteration<unknown>, plan: MappingPlan) {
    const { chunksize, maxsize, timeout } = plan;
    this.#crew = crew;
    this.#task = task;
    this.#source = source;
    this.#plan = plan;
    this.#maxsize = chunksize === 'auto' ? maxsize : Math.max(maxsize, chunksize);
    this.#due = timeout === undefined ? undefined : hub.now() + timeout;
    crew.undertake(this);
    this.#fill();
  }

  // ---- for readers

  *next(): Coroutine<IteratorResult<R, undefined>> {
    do {
      const come = yield* new LotWait(this.#readers, this.#hasNext, this.#timeLeft());
      if (!come) throw this.#timeIsUp();
    } while (!this.#hasNext());
    if (this.#ready.size === 0) return this.#end();
    const chunk = this.#ready.first();
    this.#unread--;
    try {
      return { done: false, value: chunk.next() as R };
    } catch (error) {
      addAwaited(error, new Error().stack);
      throw error;
    } finally {
      if (chunk.over) this.#ready.take();
      this.#fill();
    }
  }

  readonly #hasNext = (): boolean => this.#ready.size > 0 || this.#ended;

  readonly #hasEnded = (): boolean => this.#ended;

  #timeLeft(): number | undefined {
    return this.#due === undefined ? undefined : Math.max(0, this.#due - hub.now());
  }

  #timeIsUp(): Timeout {
    const { call, timeout } = this.#plan;
    this[Symbol.dispose]();
    const error = new Timeout(timeout, `${call} had no more results after ${timeout} ms`);
    Error.captureStackTrace(error);
    return error;
  }

  #end(): IteratorReturnResult<undefined> {
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure !== undefined) throw failure.error;
    return { done: true, value: undefined };
  }

  /** Waits for all results; throws the first error. */
  *all(): Coroutine<R[]> {
    try {
      yield* new LotWait(this.#collectors, this.#hasEnded, undefined);
      return this.#collect();
    } catch (error) {
      addAwaited(error, new Error().stack);
      throw error;
    } finally {
      this[Symbol.dispose]();
    }
  }

  #collect(): R[] {
    const results: R[] = new Array(this.#unread);
    let length = 0;
    while (this.#ready.size > 0) {
      const chunk = this.#ready.take();
      chunk.copyTo(results, length);
      length += chunk.length;
    }
    this.#end();
    return results;
  }

  /** Calls back with all results, or the first error. */
  whenEnded(succeeded: (results: R[]) => void, failed: (error: unknown) => void): void {
    this.#whenEnded = () => {
      let results: R[];
      try {
        results = this.#collect();
      } catch (error) {
        failed(error);
        return;
      }
      succeeded(results);
    };
    if (this.#ended) this.#whenEnded();
  }

  [Symbol.dispose](): void {
    const chunks = [...this.#chunks];
    const exit = new GreenletExit('not needed any more');
    this.#chunks.clear();
    while (this.#ready.size > 0) this.#ready.take();
    this.#failure = undefined;
    this.#stopReading(exit);
    for (const { job } of chunks) job?.sendKill(exit);
    this.#checkEnd();
  }

  // ---- for the crew

  finishUnread(): void {
    this.#maxsize = Number.POSITIVE_INFINITY;
    this.#fill();
  }

  abandon(exit: GreenletExit): void {
    const left = this.#items.length - this.#first;
    const wasReading = !this.#exhausted;
    this.#stopReading(exit);
    if (left > 0) {
      const chunk = new Chunk(this, this.#task, left);
      chunk.fail(new CancelledError(exit.message));
      this.#chunks.add(chunk);
      this.#deliver(chunk);
    }
    if (wasReading) this.#failure ??= { error: new CancelledError(exit.message) };
    this.#checkEnd();
  }

  // ---- reading items

  #stopReading(exit: GreenletExit): void {
    this.#items = [];
    this.#first = 0;
    if (this.#exhausted) return;
    this.#exhausted = true;
    if (this.#reading) this.#feeder?.sendKill(exit);
    this.#source[Symbol.dispose]();
  }

  #wantsItem(): boolean {
    return !this.#exhausted && this.#unread < this.#maxsize;
  }

  /** Reads as much as is wanted, and gives the workers what they can do. */
  #fill(): void {
    if (this.#filling) return; // what it does may end a chunk at once
    this.#filling = true;
    if (this.#wantsItem()) {
      if (this.#source instanceof SyncIteration) this.#readNow(this.#source);
      else if (!this.#reading) this.#startReading();
    }
    this.#cut();
    this.#filling = false;
    this.#checkEnd();
  }

  #readNow(source: SyncIteration<unknown>): void {
    try {
      const list = this.#maxsize === Number.POSITIVE_INFINITY ? source.takeList() : undefined;
      if (list !== undefined) {
        this.#acceptAll(list);
        return;
      }
      while (this.#wantsItem()) this.#accept(source.read());
    } catch (error) {
      this.#fail(error);
    }
  }

  /** The list is the caller's: what does not go into chunks at once is copied. */
  #acceptAll(list: readonly unknown[]): void {
    this.#items = list as unknown[];
    this.#unread = list.length;
    this.#exhausted = true;
    this.#cut();
    if (this.#items === list) this.#dropUsed();
  }

  #startReading(): void {
    this.#reading = true; // it may end at once
    this.#feeder = startNow(new Greenlet<void>(() => this.#readItems()));
  }

  *#readItems(): Coroutine<void> {
    try {
      while (this.#wantsItem()) {
        this.#accept(yield* this.#source.next());
        this.#cut();
      }
    } catch (error) {
      this.#fail(error);
      if (isExit(error)) throw error;
    } finally {
      this.#reading = false;
      this.#cut();
      this.#checkEnd();
    }
  }

  #accept(step: IteratorResult<unknown, undefined>): void {
    if (this.#exhausted) return; // nobody wants it any more
    if (step.done) this.#exhausted = true;
    else {
      this.#items.push(step.value);
      this.#unread++;
    }
  }

  #fail(error: unknown): void {
    if (this.#exhausted) return;
    this.#exhausted = true;
    this.#failure = { error };
    this.#source[Symbol.dispose]();
  }

  // ---- chunks

  #cut(): void {
    const { size } = this.#crew;
    const { chunksize } = this.#plan;
    const most = chunksize === 'auto' ? CHUNKS_AHEAD * size : MOST_CHUNKS;
    while (this.#inWork < most) {
      const left = this.#items.length - this.#first;
      if (left === 0) return;
      const wanted = chunksize === 'auto' ? adaptedLength(this.#task, left, size) : chunksize;
      // Whoever reads slowly still wants something done: idle workers take what there is.
      const idle = chunksize === 'auto' && this.#inWork < size;
      if (left < wanted && !this.#exhausted && !idle) return;
      this.#startChunk(Math.min(left, wanted));
    }
  }

  #startChunk(length: number): void {
    const items = this.#items.slice(this.#first, this.#first + length);
    if (this.#plan.chunksize === 'auto' && length > 1) items.length = affordableLength(items, length);
    this.#first += items.length;
    if (this.#first === this.#items.length || this.#first > 10_000) this.#dropUsed();
    const chunk = new Chunk(this, this.#task, items.length);
    this.#chunks.add(chunk);
    this.#inWork++;
    chunk.start(this.#crew, items, this.#plan.spread);
  }

  #dropUsed(): void {
    this.#items = this.#items.slice(this.#first);
    this.#first = 0;
  }

  chunkEnded(chunk: Chunk): void {
    this.#inWork--;
    if (this.#chunks.has(chunk)) this.#deliver(chunk);
    this.#fill();
  }

  #deliver(chunk: Chunk): void {
    if (!this.#plan.ordered) this.#makeReady(chunk);
    else {
      for (const first of this.#chunks) {
        if (!first.ended) break;
        this.#makeReady(first);
      }
    }
    if (this.#ready.size > 0) this.#readers.wakeAll(true);
  }

  #makeReady(chunk: Chunk): void {
    this.#chunks.delete(chunk);
    this.#ready.add(chunk);
  }

  #checkEnd(): void {
    if (this.#ended || !this.#exhausted || this.#chunks.size > 0 || this.#items.length > this.#first) return;
    this.#ended = true;
    this.#crew.release(this);
    this.#readers.wakeAll(true);
    this.#collectors.wakeAll(true);
    this.#whenEnded?.();
  }

  /** How it appears in messages. */
  toString(): string {
    return this.#plan.call;
  }
}

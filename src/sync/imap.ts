/** `imap` and `imapUnordered`: results one by one, while the work goes on. */
import { checkInteger, checkOptions } from '../core/check.ts';
import { GreenletExit, isExit, QueueShutDown } from '../core/errors.ts';
import type { Iteration } from '../core/from-async-iterable.ts';
import { Greenlet } from '../core/greenlet.ts';
import { hub } from '../core/hub.ts';
import { Link } from '../core/links.ts';
import type { Coroutine, Outcome } from '../core/operation.ts';
import type { RawGreenlet } from '../core/raw-greenlet.ts';
import { startNow } from '../core/spawn.ts';
import type { Members } from './members.ts';
import { SimpleQueue } from './queue.ts';

/** Options of `imap` and `imapUnordered`. */
export interface ImapOptions {
  /**
   * How many items may be in work, or done and not read: 100 by default, or the size of a larger pool. `null` sets no
   * limit.
   */
  maxsize?: number | null;
}

const DEFAULT_MAXSIZE = 100;

/**
 * The tasks of an `imap` and their results.
 *
 * A feeder, a greenlet of its own, reads items and starts tasks. It ends when `maxsize` is reached, and the reader starts
 * another one: so nothing is left blocked when a reader goes away. Tasks that have ended stand in a queue, which is shut
 * down behind the last.
 * @internal
 */
export class Mapping<T, R> implements Iteration<Outcome<R>> {
  readonly #group: Members;
  readonly #fn: (item: T) => R;
  readonly #source: Iteration<T>;
  readonly #ordered: boolean;
  readonly #maxsize: number;
  /** In work or, if ordered, behind one that is; in the order of the items. */
  readonly #tasks = new Set<Greenlet<Outcome<R>>>();
  readonly #results = new SimpleQueue<Greenlet<Outcome<R>>>();
  #feeder: Greenlet<void> | undefined;
  #feeding = false;
  #exhausted = false;
  /** What reading the items threw: to be thrown behind the last result. */
  #failure: { error: unknown } | undefined;

  constructor(group: Members, fn: (item: T) => R, source: Iteration<T>, ordered: boolean, options: ImapOptions) {
    checkOptions(options, '{ maxsize: 10 }');
    const { maxsize = Math.max(DEFAULT_MAXSIZE, group.places) } = options;
    this.#group = group;
    this.#fn = fn;
    this.#source = source;
    this.#ordered = ordered;
    this.#maxsize = maxsize === null ? Number.POSITIVE_INFINITY : checkInteger('maxsize', maxsize, 1);
  }

  *next(): Coroutine<IteratorResult<Outcome<R>, undefined>> {
    const me = hub.owner({ describe: () => (this.#ordered ? 'imap().next()' : 'imapUnordered().next()') });
    this.#feed(me);
    let task: Greenlet<Outcome<R>>;
    try {
      task = yield* this.#results.get();
    } catch (error) {
      if (error instanceof QueueShutDown && this.#results.closed) return this.#end();
      throw error;
    }
    this.#feed(me);
    if (!task.successful()) throw task.exception;
    return { done: false, value: task.value as Outcome<R> };
  }

  [Symbol.dispose](): void {
    const tasks = [...this.#tasks];
    this.#exhausted = true;
    this.#tasks.clear();
    this.#results.shutdown({ immediate: true });
    this.#feeder?.sendKill(notNeeded());
    for (const task of tasks) task.sendKill(notNeeded());
    this.#source[Symbol.dispose]();
  }

  /** A task has ended. */
  taskEnded(task: Greenlet<Outcome<R>>): void {
    if (!this.#tasks.has(task)) return;
    if (this.#ordered) {
      for (const first of this.#tasks) {
        if (!first.dead) break;
        this.#deliver(first);
      }
    } else this.#deliver(task);
    this.#shutDownAtEnd();
  }

  #deliver(task: Greenlet<Outcome<R>>): void {
    this.#tasks.delete(task);
    this.#results.putNowait(task);
  }

  #feed(reader: RawGreenlet): void {
    if (!this.#feeding && this.#wantsItem()) this.#feeder = startNow(new Feeder(reader, () => this.#readItems()));
  }

  #wantsItem(): boolean {
    return !this.#exhausted && this.#tasks.size + this.#results.qsize() < this.#maxsize;
  }

  *#readItems(): Coroutine<void> {
    this.#feeding = true;
    try {
      while (this.#wantsItem()) {
        const item = yield* this.#source.next();
        if (item.done) this.#exhausted = true;
        else this.#track(yield* this.#group.startTask(this.#fn, [item.value]));
      }
    } catch (error) {
      this.#exhausted = true;
      if (isExit(error)) throw error;
      this.#failure = { error };
      this.#source[Symbol.dispose]();
    } finally {
      this.#feeding = false;
    }
    this.#shutDownAtEnd();
  }

  #track(task: Greenlet<Outcome<R>>): void {
    if (this.#results.closed) {
      task.sendKill(notNeeded()); // the reader has left in the meantime
      return;
    }
    this.#tasks.add(task);
    task.addLink(new TaskLink(this));
  }

  #shutDownAtEnd(): void {
    if (this.#exhausted && this.#tasks.size === 0) this.#results.shutdown();
  }

  #end(): IteratorReturnResult<undefined> {
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure !== undefined) throw failure.error;
    return { done: true, value: undefined };
  }
}

/** Reads items in the name of who reads the results: it waits for a place only as long as that one could. */
class Feeder extends Greenlet<void> {
  readonly #reader: RawGreenlet;

  constructor(reader: RawGreenlet, read: () => Coroutine<void>) {
    super(read);
    this.#reader = reader;
  }

  override get principal(): RawGreenlet {
    return this.#reader.principal;
  }
}

const notNeeded = (): GreenletExit => new GreenletExit('not needed any more');

class TaskLink extends Link {
  readonly #mapping: Mapping<any, any>;

  constructor(mapping: Mapping<any, any>) {
    super();
    this.#mapping = mapping;
  }

  notify(task: Greenlet<any>): void {
    this.removeFrom(task);
    this.#mapping.taskEnded(task);
  }
}

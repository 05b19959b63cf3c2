/** `watch`: the changes of a file or a folder, one after the other. */
import native, { type FSWatcher, type PathLike } from 'node:fs';
import type { Iteration } from '../core/from-async-iterable.ts';
import type { Operation } from '../core/operation.ts';
import { type Resumer, suspend } from '../core/suspend.ts';

/** A change that `watch` tells. */
export interface WatchEvent {
  /** `'rename'`: something has come or gone under this name; `'change'`: its contents or attributes are others. */
  readonly eventType: 'rename' | 'change';
  /** Which file, if the system says so. */
  readonly filename: string | null;
}

/** Options of `watch`, as those of `fs.watch`. */
export interface WatchFilesOptions {
  /** Whether it keeps the process alive: `true` by default. */
  readonly persistent?: boolean | undefined;
  /** Whether to watch the folders in it too. `false` by default. */
  readonly recursive?: boolean | undefined;
}

type Result = IteratorResult<WatchEvent, undefined>;

const END: Result = { done: true, value: undefined };

/** Events that wait are kept once each, so that nobody who reads slowly makes the list grow. */
class Watch implements Iteration<WatchEvent> {
  readonly #watcher: FSWatcher;
  readonly #waiting: Map<string, WatchEvent> = new Map();
  readonly #readers: Set<Resumer<Result>> = new Set();
  #error: Error | undefined = undefined;
  #ended = false;

  constructor(path: PathLike, options: WatchFilesOptions) {
    const { persistent = true, recursive = false } = options;
    this.#watcher = native.watch(path, { persistent, recursive });
    this.#watcher.on('change', (eventType, filename) => this.#add(eventType as 'rename' | 'change', filename));
    this.#watcher.on('error', (error) => {
      this.#error = error;
      this[Symbol.dispose]();
    });
  }

  #add(eventType: 'rename' | 'change', filename: string | Buffer | null): void {
    const event: WatchEvent = { eventType, filename: filename === null ? null : String(filename) };
    const [reader] = this.#readers;
    if (reader === undefined) {
      if (!this.#ended) this.#waiting.set(`${eventType} ${filename}`, event);
      return;
    }
    this.#readers.delete(reader);
    reader({ done: false, value: event });
  }

  next(): Operation<Result> {
    const take = (resume: Resumer<Result>) => this.#take(resume);
    return suspend(function watch(resume: Resumer<Result>) {
      return take(resume);
    });
  }

  #take(resume: Resumer<Result>): (() => void) | undefined {
    for (const [key, event] of this.#waiting) {
      this.#waiting.delete(key);
      resume({ done: false, value: event });
      return;
    }
    if (this.#ended) {
      this.#finish(resume);
      return;
    }
    this.#readers.add(resume);
    return () => this.#readers.delete(resume);
  }

  #finish(resume: Resumer<Result>): void {
    const error = this.#error;
    this.#error = undefined;
    if (error === undefined) resume(END);
    else resume.throw(error);
  }

  [Symbol.dispose](): void {
    if (this.#ended) return;
    this.#ended = true;
    if (this.#error === undefined) this.#waiting.clear();
    this.#watcher.close();
    for (const reader of this.#readers) this.#finish(reader);
    this.#readers.clear();
  }
}

/**
 * Watches a file or folder from the call on, and iterates over what changes. `next()` suspends until something does; a
 * kill or timeout in it loses nothing. Several greenlets may wait: they get the events in the order of their calls. An
 * event that is the same as one that nobody has taken yet is not told twice. Disposing ends the iteration, also of those
 * who wait in it; until then the watcher is open, and keeps the process alive unless `persistent` is `false`. What the
 * system tells differs between platforms. Follows `fs/promises.watch`.
 *
 * @throws the system's error, with `code` `ENOENT`, …: at the call, or, once, in `next()`, which ends the iteration
 * @example
 * ```ts
 * import { run } from 'genlet';
 * import { fs } from 'genlet/io';
 *
 * await run(function* () {
 *   const folder = yield* fs.mkdtemp('/tmp/example-');
 *   {
 *     using changes = fs.watch(folder);
 *     yield* fs.writeFile(`${folder}/a.txt`, '');
 *     console.log((yield* changes.next()).value?.filename); // => a.txt
 *   }
 *   yield* fs.rm(folder, { recursive: true });
 * });
 * ```
 */
export function watch(path: PathLike, options: WatchFilesOptions = {}): Iteration<WatchEvent> {
  return new Watch(path, options);
}

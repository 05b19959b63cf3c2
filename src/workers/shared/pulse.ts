/** The links of a shared object that is ready for a moment: they are called when something happens, in any thread. */
import type { Waiter } from '../../sync/parking-lot.ts';
import { LINE_WORDS, Line, NOT_YET, type Server } from './line.ts';
import { LineLinks } from './line-links.ts';
import type { Space, Words } from './space.ts';

/** @internal */
export const PULSE_WORDS: number = 1 + LINE_WORDS;

/** @internal */
export class Pulse implements Server {
  readonly #words: Words;
  readonly #at: number;
  readonly #line: Line;
  readonly #links: LineLinks;
  readonly #isReady: () => boolean;

  /** In the `words` from `at` on. While `isReady`, links are called at once. */
  constructor(owner: object, space: Space, words: Words, at: number, isReady: () => boolean) {
    this.#words = words;
    this.#at = at;
    this.#line = new Line(owner, 'rawlink', space, words, at + 1, this);
    this.#isReady = isReady;
    this.#links = new LineLinks(
      owner,
      this.#line,
      () => true,
      () => Atomics.load(words, at),
    );
  }

  fire(): void {
    Atomics.add(this.#words, this.#at, 1);
    if (!this.#line.busy) return;
    this.#line.serve();
    this.#line.ringAll();
  }

  add(callback: (source: any) => void): void {
    this.#links.add(callback);
  }

  remove(callback: (source: any) => void): void {
    this.#links.remove(callback);
  }

  attempt(waiter: Waiter): unknown {
    return this.promising(waiter) ? undefined : NOT_YET;
  }

  promising(waiter: Waiter): boolean {
    return this.#isReady() || Atomics.load(this.#words, this.#at) !== waiter.slot.note;
  }
}

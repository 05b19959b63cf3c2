/** The `rawlink`s of an object that can get ready again and again. */
import type { Handle } from '../core/callback.ts';
import { checkCallback } from '../core/check.ts';
import { hub } from '../core/hub.ts';
import { LinkSet } from './link-set.ts';

interface ReadyLink {
  readonly callback: (source: any) => void;
  /** Its call in the next pass, once it is due. */
  call: Handle | undefined;
}

/** Calls each callback once, in the hub, in the order of registration. Follows gevent's `AbstractLinkable`. @internal */
export class ReadyLinks {
  readonly #source: object;
  readonly #isStillReady: (() => boolean) | undefined;
  readonly #links = new LinkSet<ReadyLink>();

  /** With `isStillReady`, a link whose object is not ready any more when its turn comes stays for the next time. */
  constructor(source: object, isStillReady?: () => boolean) {
    this.#source = source;
    this.#isStillReady = isStillReady;
  }

  add(callback: (source: any) => void): void {
    checkCallback('link', callback);
    this.#links.add({ callback, call: undefined });
  }

  remove(callback: (source: any) => void): void {
    this.#links.take(callback)?.call?.cancel();
  }

  /** The object is ready: those who are linked now are called in the next pass. */
  notify(): void {
    for (const link of this.#links) link.call ??= hub.callSoon(() => this.#serve(link));
  }

  #serve(link: ReadyLink): void {
    link.call = undefined;
    if (this.#isStillReady?.() === false) return;
    this.#links.delete(link);
    link.callback(this.#source);
  }
}

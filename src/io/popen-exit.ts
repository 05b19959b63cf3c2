/**
 * Who wants to hear of the end of a process: the `rawlink`s of a `Popen`, of which its waits are some.
 *
 * The callbacks are called once, in the hub, in the order of registration. While there are any, the hub counts as waiting
 * for something outside, and even a detached process keeps this one alive.
 */
import type { ChildProcess } from 'node:child_process';
import type { Handle } from '../core/callback.ts';
import { checkCallback } from '../core/check.ts';
import { hub } from '../core/hub.ts';

interface ExitLink {
  readonly callback: (source: any) => void;
  /** Its call in the next pass, once the process has ended. */
  call: Handle | undefined;
}

/** @internal */
export class ExitLinks {
  readonly #source: object;
  /** The process, if it is detached. */
  readonly #detached: ChildProcess | undefined;
  readonly #links: ExitLink[] = [];
  #ended = false;

  constructor(source: object, detached: ChildProcess | undefined) {
    this.#source = source;
    this.#detached = detached;
    detached?.unref();
  }

  add(callback: (source: any) => void): void {
    checkCallback('link', callback);
    const link: ExitLink = { callback, call: undefined };
    this.#links.push(link);
    if (this.#ended) this.#schedule(link);
    else {
      hub.outside++;
      this.#detached?.ref();
    }
  }

  remove(callback: (source: any) => void): void {
    const link = this.#links.find((link) => link.callback === callback);
    if (link === undefined) return;
    this.#links.splice(this.#links.indexOf(link), 1);
    link.call?.cancel();
    if (this.#ended) return;
    hub.outside--;
    if (this.#links.length === 0) this.#detached?.unref();
  }

  /** The process has ended. */
  notify(): void {
    this.#ended = true;
    hub.outside -= this.#links.length;
    for (const link of this.#links) this.#schedule(link);
  }

  #schedule(link: ExitLink): void {
    link.call = hub.callSoon(() => {
      this.#links.splice(this.#links.indexOf(link), 1);
      link.callback(this.#source);
    });
  }
}

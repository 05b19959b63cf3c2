/** A call that hands something to Node's UDP socket and waits for its callback: sending, binding, connecting. */
import { hub as importedHub } from '../core/hub.ts';
import type { Resumption, Step, Suspension } from '../core/operation.ts';
import type { RawGreenlet } from '../core/raw-greenlet.ts';
import { TimedWait } from '../core/timed-wait.ts';
import { timedOut } from '../core/timeout.ts';

// A constant of this module, not an imported binding: see `State`.
const hub = importedHub;

/** Those that are blocked; a socket that is closed fails them, for Node then never calls back. @internal */
export class Requests {
  readonly #blocked: Set<Request<unknown>> = new Set();

  get size(): number {
    return this.#blocked.size;
  }

  add(request: Request<any>): void {
    this.#blocked.add(request);
    hub.outside++;
  }

  delete(request: Request<any>): void {
    this.#blocked.delete(request);
    hub.outside--;
  }

  fail(error: Error): void {
    for (const request of this.#blocked) request.fail(error);
  }
}

type Callback<T> = (error: Error | null | undefined, value?: T) => void;

/** @internal */
export class Request<T> extends TimedWait<T> {
  readonly #requests: Requests;
  readonly #text: string;
  readonly #begin: (callback: Callback<T>) => void;
  #greenlet: RawGreenlet | undefined = undefined;
  #failure: Error | undefined = undefined;

  /** `begin` may throw; it must not call back at once. */
  constructor(requests: Requests, text: string, begin: (callback: Callback<T>) => void, limit: number | undefined) {
    super(limit);
    this.#requests = requests;
    this.#text = text;
    this.#begin = begin;
  }

  next(resumed?: Resumption): Step {
    if (resumed !== undefined) {
      this.deadline?.cancel();
      return resumed;
    }
    const me = hub.self(this, arguments.length);
    me.checkInterrupts();
    this.#begin((error, value) => {
      if (this.#greenlet === undefined) return; // killed, out of time, or closed
      if (error) this.fail(error);
      else this.#leave().wake(value);
    });
    const step = hub.park(me, this);
    this.#greenlet = me;
    this.#requests.add(this);
    this.startDeadline(me);
    return step;
  }

  #leave(): RawGreenlet {
    const greenlet = this.#greenlet!;
    this.#greenlet = undefined;
    this.#requests.delete(this);
    return greenlet;
  }

  fail(error: Error): void {
    this.#failure = error;
    this.#leave().fail(error);
  }

  cancel(): void {
    this.deadline?.cancel();
    this.#leave();
  }

  expire(): void {
    this.fail(timedOut(this.describe(), this.limit!));
  }

  /** An error that came up in a callback has no stack worth showing: it gets that of the suspended coroutine. */
  override throw(error: unknown): IteratorResult<Suspension, T> {
    this.deadline?.cancel();
    if (error === this.#failure) Error.captureStackTrace(error as Error, this.throw);
    throw error;
  }

  /** What was handed to the system can't be taken back. */
  override get repeatable(): boolean {
    return false;
  }

  describe(): string {
    return this.#text;
  }
}

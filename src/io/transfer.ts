/**
 * The one blocking call under all reads and writes of a stream.
 *
 * A transfer is tried when it is performed, and again in the event callback whenever the stream has moved on; its
 * greenlet is woken only when the whole of it is done. So a kill or timeout finds nothing half-taken: bytes that were
 * not enough still lie in the stream.
 */

import { show } from '../core/check.ts';
import type { Deadline } from '../core/deadline.ts';
import { ConcurrentObjectUseError } from '../core/errors.ts';
import { hub as importedHub } from '../core/hub.ts';
import { BaseOperation, type Resumption, type Step } from '../core/operation.ts';
import type { RawGreenlet } from '../core/raw-greenlet.ts';
import { timedOut } from '../core/timeout.ts';

// Constants of this module, not imported bindings: see `State`.
const hub = importedHub;

/** What an attempt answers when the stream has to move on first. @internal */
export const LATER: unique symbol = Symbol('later');

/** A call that can say what it is. @internal */
export interface Call {
  describe(): string;
}

/** One direction of a stream, which serves one greenlet at a time. @internal */
export class Direction {
  /** Names the other side in messages. */
  readonly peer: { toString(): string };
  /** Why it can't go on: the system's error, or that it was closed. */
  failure: Error | undefined = undefined;
  #blocked: Transfer<unknown> | undefined = undefined;

  constructor(peer: { toString(): string }) {
    this.peer = peer;
  }

  /** Whether a greenlet is blocked on it. */
  get busy(): boolean {
    return this.#blocked !== undefined;
  }

  /** Lets `me` in, unless another one is blocked on it. */
  admit(me: RawGreenlet, transfer: Call): void {
    const other = this.#blocked;
    if (other === undefined) return;
    throw new ConcurrentObjectUseError(
      `${me} can't perform ${transfer.describe()}: ${other.greenlet} is blocked there already, in ${other.describe()}`,
    );
  }

  block(transfer: Transfer<unknown>): void {
    this.#blocked = transfer;
    hub.outside++;
  }

  release(): void {
    this.#blocked = undefined;
    hub.outside--;
  }

  /** The stream has moved on: who is blocked tries again. */
  advance(): void {
    this.#blocked?.retry();
  }

  /** The system reports an error: whoever is blocked gets it, and so does everybody later. The first one stands. */
  fail(failure: Error): void {
    this.failure ??= failure;
    this.advance();
  }

  /** Closed on this side: from now on everybody gets this error. */
  close(failure: Error): void {
    this.failure = failure;
    this.advance();
  }
}

/** A read or a write, for as long as it takes. @internal */
export abstract class Transfer<T> extends BaseOperation<T> {
  readonly #direction: Direction;
  readonly #timeout: number | undefined;
  #greenlet: RawGreenlet | undefined = undefined;
  #deadline: Deadline | undefined = undefined;
  #failure: Error | undefined = undefined;

  constructor(direction: Direction, timeout: number | undefined) {
    super();
    this.#direction = direction;
    this.#timeout = timeout;
  }

  /** Does the whole of it, or answers `LATER`; throws what makes it impossible. */
  abstract attempt(): T | typeof LATER;

  /** Who is blocked in it. */
  get greenlet(): RawGreenlet {
    return this.#greenlet!;
  }

  next(resumed?: Resumption): Step {
    if (resumed !== undefined) {
      this.#deadline?.cancel();
      return resumed;
    }
    const me = hub.self(this, arguments.length);
    const direction = this.#direction;
    direction.admit(me, this);
    const result = this.attempt();
    if (result !== LATER) return hub.ready(result);
    const timeout = this.#timeout;
    if (timeout === 0) throw timedOut(this.describe(), 0);
    const step = hub.park(me, this);
    this.#greenlet = me;
    direction.block(this);
    if (timeout !== undefined) this.#deadline = hub.deadline(me, this, timeout);
    return step;
  }

  /** Called in the callbacks of the stream's events. */
  retry(): void {
    let result: T | typeof LATER;
    try {
      result = this.attempt();
    } catch (error) {
      this.#fail(error as Error);
      return;
    }
    if (result === LATER) return;
    this.#direction.release();
    this.#greenlet!.wake(result);
  }

  #fail(error: Error): void {
    this.#direction.release();
    this.#failure = error;
    this.#greenlet!.fail(error);
  }

  cancel(): void {
    this.#deadline?.cancel();
    this.#direction.release();
  }

  expire(): void {
    this.#fail(timedOut(this.describe(), this.#timeout!));
  }

  /** An error that came up in an event's callback has no stack worth showing: it gets that of the suspended coroutine. */
  override throw(error: unknown): never {
    this.#deadline?.cancel();
    if (error === this.#failure) Error.captureStackTrace(error as Error, this.throw);
    throw error;
  }
}

/** The bytes of `data`; `name` is that of the argument. @internal */
export function bytesOf(name: string, data: string | Uint8Array, encoding: BufferEncoding = 'utf8'): Uint8Array {
  if (typeof data === 'string') return Buffer.from(data, encoding);
  if (data instanceof Uint8Array) return data;
  throw new TypeError(`${name} is ${show(data)}: give a string, a Buffer or a Uint8Array`);
}

/** @internal */
export function checkEncoding<E extends BufferEncoding | undefined>(encoding: E): E {
  if (encoding === undefined || Buffer.isEncoding(encoding)) return encoding;
  throw new TypeError(`encoding is ${show(encoding)}: give 'utf8', 'latin1', …`);
}

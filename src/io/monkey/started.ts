/**
 * `Started`: what a patched call without a callback gives.
 *
 * The work has begun with the call, so that nothing is lost when nobody waits; `yield*` only waits for it.
 */
import { show } from '../../core/check.ts';
import { CancelledError } from '../../core/errors.ts';
import { Greenlet } from '../../core/greenlet.ts';
import { hub } from '../../core/hub.ts';
import { Link } from '../../core/links.ts';
import type { Operation } from '../../core/operation.ts';
import type { RawGreenlet } from '../../core/raw-greenlet.ts';
import { AsyncResult } from '../../sync/async-result.ts';

/** What is peculiar to a call. @internal */
export interface StartedWork {
  /** How it appears in reports: `fs.readFile`. */
  readonly name: string;
  /** The first argument, for reports. */
  readonly subject?: unknown;
  /** Whether it happens on the hub's own clock. */
  readonly inside?: boolean;
  /** Ends the work before its time, where that is possible. */
  readonly cancel?: (() => void) | undefined;
  /** Called when it has ended, also after it was cancelled. */
  readonly over?: (() => void) | undefined;
  /** Gives back a result that came too late. */
  readonly release?: ((late: any) => void) | undefined;
  /** Takes an error that nobody has waited for; tells whether it did. */
  readonly unheard?: ((error: unknown) => boolean) | undefined;
}

/** Reports an error that nobody has waited for by the end of the greenlet that started the call. */
class Unheard extends Link {
  readonly #report: () => void;

  constructor(report: () => void) {
    super();
    this.#report = report;
  }

  notify(): void {
    hub.callSoon(this.#report);
  }
}

/**
 * Work that a patched call has begun; `yield*` waits for its result. Made by calls of Node's functions without their
 * callback, inside a greenlet; see `patchAll`.
 *
 * It is an `AsyncResult`: it may be waited for many times and by several, with a time limit (`get({ timeout })`), in
 * `wait()`, and by `await` in ordinary code. When the last one who waits for it is killed or timed out, it is cancelled as
 * by `cancel()`; only `wait(ms)` leaves it alone when its time is up. An error that nobody has waited for by the end of the
 * greenlet that made the call goes to `hub.handleError`.
 */
export class Started<T = unknown> extends AsyncResult<T> {
  readonly #work: StartedWork;
  #starter: Greenlet<any> | undefined;
  #landed = false;
  #counted = false;
  #cancelled = false;
  #heard = false;
  #unheard: Unheard | undefined;

  /** @internal */
  constructor(work: StartedWork) {
    super();
    this.#work = work;
    this.#starter = starterOf(hub.current);
  }

  /** The work is on its way, unless it has ended already. @internal */
  depart(): this {
    if (this.#landed || this.#work.inside === true) return this;
    this.#counted = true;
    hub.outside++;
    return this;
  }

  /** The work has ended. @internal */
  land(error: unknown, value?: T): void {
    if (this.#landed) return;
    this.#landed = true;
    this.#uncount();
    this.#work.over?.();
    if (this.#cancelled) {
      if (isNothing(error)) this.#work.release?.(value);
    } else if (isNothing(error)) this.trySet(value as T);
    else this.#fail(error);
  }

  /**
   * Ends the work where Node can do that, and else drops its result: what that opens or makes is closed or removed.
   * Whoever waits for it gets a `CancelledError`. Never suspends; `false` if it has ended already.
   */
  cancel(): boolean {
    if (this.#landed || this.#cancelled) return false;
    this.#cancelled = true;
    this.#heard = true;
    this.#uncount();
    const message = `${this.describeCall('get')} was cancelled, or whoever waited for it was killed or timed out`;
    this.trySetException(new CancelledError(message));
    try {
      this.#work.cancel?.();
    } catch (error) {
      hub.handleError(error, undefined, `cancelling ${this.describeCall('get')}`);
    }
    return true;
  }

  /** Whether it was cancelled. */
  cancelled(): boolean {
    return this.#cancelled;
  }

  #uncount(): void {
    if (this.#counted) hub.outside--;
    this.#counted = false;
  }

  #fail(error: unknown): void {
    this.trySetException(error);
    if (this.#heard) return;
    const report = () => this.#report(error);
    const starter = this.#starter;
    if (starter === undefined || starter.dead) {
      report();
      return;
    }
    this.#unheard = new Unheard(report);
    starter.addLink(this.#unheard);
  }

  #report(error: unknown): void {
    if (this.#heard || this.#work.unheard?.(error) === true) return;
    hub.handleError(error, undefined, this.describeCall('get'));
  }

  /** Somebody asks for the outcome. */
  #listen(): void {
    if (this.#heard) return;
    this.#heard = true;
    if (this.#unheard !== undefined) this.#unheard.removeFrom(this.#starter!);
    this.#starter = this.#unheard = undefined;
  }

  /** A kill that is still to come would come before the wait has begun, and nobody would cancel the work. */
  #admit(): void {
    if (this.ready()) return;
    try {
      hub.current?.checkInterrupts();
    } catch (killed) {
      this.forgo();
      throw killed;
    }
  }

  // ---- as an AsyncResult

  override wait(timeout?: number | null): Operation<T | undefined> {
    this.#listen();
    const operation = super.wait(timeout);
    this.#admit();
    return operation;
  }

  override toPromise(): Promise<T> {
    this.#listen();
    return super.toPromise();
  }

  override rawlink(callback: (result: this) => void): void {
    this.#listen();
    super.rawlink(callback);
  }

  /** Errors that come from Node alone get the stack of the one who takes them. */
  override getNowait(): T {
    this.#listen();
    const { exception } = this;
    if (exception instanceof Error && !ownFrame.test(exception.stack ?? '')) {
      Error.captureStackTrace(exception, this.getNowait);
    }
    return super.getNowait();
  }

  /** @internal */
  override take(call: string, limit: number | undefined): Operation<T> {
    this.#listen();
    this.#admit();
    return super.take(call, limit);
  }

  /** @internal */
  override get perishable(): boolean {
    return true;
  }

  /** @internal */
  override forsake(): void {
    this.cancel();
  }

  /** @internal */
  override describeCall(_call: string): string {
    const { name, subject } = this.#work;
    return `${name}(${subject === undefined ? '' : show(subject)})`;
  }

  /** How it appears in messages: the call and its state. */
  override toString(): string {
    const state = this.#cancelled
      ? 'cancelled'
      : !this.ready()
        ? 'pending'
        : this.successful()
          ? 'succeeded'
          : 'failed';
    return `<Started ${this.describeCall('get')} ${state}>`;
  }
}

/** A line of a stack that lies outside Node. */
const ownFrame = /^ {4}at (?!.*\bnode:)/m;

const isNothing = (error: unknown): boolean => error === undefined || error === null;

function starterOf(greenlet: RawGreenlet | undefined): Greenlet<any> | undefined {
  let at = greenlet;
  while (at !== undefined && !(at instanceof Greenlet)) at = at.parent;
  return at;
}

/** `yield* tasks.fib(35)`: a job that lives as long as somebody waits for it. */
import { GreenletExit } from '../../core/errors.ts';
import type { Greenlet } from '../../core/greenlet.ts';
import { State } from '../../core/greenlet-state.ts';
import { hub as importedHub } from '../../core/hub.ts';
import { Link } from '../../core/links.ts';
import { BaseOperation, type Resumption, type Step, type Suspension } from '../../core/operation.ts';
import type { RawGreenlet } from '../../core/raw-greenlet.ts';
import { addAwaited } from '../packed-error.ts';
import type { RemoteGreenlet } from './remote-greenlet.ts';

// Constants of this module, not imported bindings: see `State`.
const hub = importedHub;
const { FAILED } = State;

/** Hands the result to the waiter. */
class Delivery extends Link {
  readonly #waiter: RawGreenlet;

  constructor(waiter: RawGreenlet) {
    super();
    this.#waiter = waiter;
  }

  notify(job: Greenlet<any>): void {
    this.removeFrom(job);
    if (job.state === FAILED) this.#waiter.fail(job.takeError());
    else this.#waiter.wake(job.slot);
  }
}

/** @internal */
export class RemoteCall<T> extends BaseOperation<T> {
  readonly #fn: { readonly name: string };
  readonly #args: unknown[];
  readonly #spawn: (args: unknown[]) => RemoteGreenlet<T>;
  #job: RemoteGreenlet<T> | undefined = undefined;
  #delivery: Delivery | undefined = undefined;

  constructor(fn: { readonly name: string }, args: unknown[], spawn: (args: unknown[]) => RemoteGreenlet<T>) {
    super();
    this.#fn = fn;
    this.#args = args;
    this.#spawn = spawn;
  }

  next(resumed?: Resumption): Step {
    if (resumed !== undefined) return resumed;
    const me = hub.self(this, arguments.length);
    me.checkInterrupts();
    const job = this.#spawn(this.#args);
    const step = hub.park(me, this);
    this.#job = job;
    this.#delivery = new Delivery(me);
    job.addLink(this.#delivery);
    return step;
  }

  override throw(error: unknown): IteratorResult<Suspension, T> {
    if (this.#job?.state === FAILED && this.#job.slot === error) addAwaited(error, new Error().stack);
    throw error;
  }

  cancel(): void {
    this.#delivery!.removeFrom(this.#job!);
    this.#job!.sendKill(new GreenletExit('whoever waited for it was interrupted'));
  }

  override get selectable(): boolean {
    return true;
  }

  describe(): string {
    return `${this.#fn.name}()`;
  }
}

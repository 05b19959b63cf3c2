/**
 * One call of a function of `node:fs` as an operation.
 *
 * Node's threads can't be interrupted: a killed call either is told so by a signal, or goes on unheard; what it opens
 * then is closed at once. The callback form is used, since it costs a third of what `fs/promises` does.
 */
import { show } from '../core/check.ts';
import { type Callback, CallbackCall } from './callback-call.ts';
import { beginUse, endUse } from './descriptor-use.ts';

/** How a function of `node:fs` is called, and what is peculiar to it. @internal */
export interface FsFunction {
  readonly name: string;
  /** Calls the function of Node; the last argument is the callback. */
  readonly call: (...args: any[]) => void;
  /** The names of the two values that it gives, as `util.promisify` has them. */
  readonly fields?: readonly [string, string] | undefined;
  /** The index of the options that take a signal. */
  readonly signalAt?: number | undefined;
  /** Gives back a result that came too late. */
  readonly release?: ((late: any) => void) | undefined;
  /** Whether it changes nothing, so that it may be left undone. */
  readonly harmless: boolean;
}

/** @internal */
export class FsCall<T> extends CallbackCall<T> {
  readonly #function: FsFunction;
  readonly #args: readonly unknown[];
  #signal: KillSignal | undefined = undefined;

  constructor(fn: FsFunction, args: readonly unknown[]) {
    super();
    this.#function = fn;
    this.#args = args;
  }

  protected begin(callback: Callback): void {
    const { call, signalAt } = this.#function;
    let args = this.#args;
    if (signalAt !== undefined) {
      this.#signal = new KillSignal();
      args = withSignal(args, signalAt, this.#signal);
    }
    call(...args, callback);
  }

  protected answer(value: any, more: any): T {
    const { fields } = this.#function;
    return fields === undefined ? value : ({ [fields[0]]: value, [fields[1]]: more } as T);
  }

  protected abandon(): void {
    this.#signal?.abort();
    if (typeof this.#args[0] === 'number') beginUse(this.#args[0]);
  }

  protected override late(error: Error | null | undefined, value: any): void {
    if (typeof this.#args[0] === 'number') endUse(this.#args[0]);
    if (!error) this.#function.release?.(value);
  }

  override get selectable(): boolean {
    return this.#function.harmless;
  }

  describe(): string {
    return `fs.${this.#function.name}(${this.#args.length > 0 ? show(this.#args[0]) : ''})`;
  }
}

/** Makes an operation out of each call of a function. @internal */
export function asOperation(fn: FsFunction): (...args: unknown[]) => FsCall<unknown> {
  const { name } = fn;
  return { [name]: (...args: unknown[]) => new FsCall(fn, args) }[name]!;
}

/**
 * What the functions with a callback ask of a signal: whether it is aborted, between one piece and the next. An
 * `AbortController` would add a fifth to the cost of reading a small file.
 * @internal
 */
export class KillSignal {
  /** A signal that the caller has given. */
  other: AbortSignal | undefined = undefined;
  #killed = false;

  get aborted(): boolean {
    return this.#killed || this.other?.aborted === true;
  }

  get reason(): unknown {
    return this.other?.reason;
  }

  abort(): void {
    this.#killed = true;
  }
}

/** The arguments with a signal among the options, which stand at index `at` if there are any. @internal */
export function withSignal(args: readonly unknown[], at: number, signal: KillSignal): unknown[] {
  const all = [...args];
  const options = all[at] as { signal?: AbortSignal } | string | null | undefined;
  if (options === undefined || options === null) all[at] = { signal };
  else if (typeof options === 'string') all[at] = { encoding: options, signal };
  else if (typeof options === 'object' && isSignal(options.signal)) {
    signal.other = options.signal;
    all[at] = { ...options, signal };
  }
  return all;
}

/** What is none is left to Node to refuse. */
function isSignal(signal: unknown): boolean {
  return signal === undefined || (typeof signal === 'object' && signal !== null && 'aborted' in signal);
}

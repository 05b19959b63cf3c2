/** `joinall` and `killall`. */
import { checkInteger, checkOptions, checkTimeout, show } from './check.ts';
import { composite } from './dev.ts';
import { GreenletExit, InvalidSwitchError } from './errors.ts';
import { Greenlet, type KillOptions } from './greenlet.ts';
import { hub } from './hub.ts';
import { Link } from './links.ts';
import { BaseOperation, type Coroutine, type Operation, type Resumption, type Step } from './operation.ts';
import type { RawGreenlet } from './raw-greenlet.ts';
import { timedOut } from './timeout.ts';
import { iwait } from './wait.ts';

/** Options of `joinall`. */
export interface JoinallOptions {
  /** How long to wait, in milliseconds. */
  timeout?: number | null;
  /** Throw the first failure as soon as it happens; the other greenlets run on. */
  raiseError?: boolean;
  /** How many are enough; all by default. */
  count?: number;
}

function listOf(greenlets: Iterable<Greenlet<any>>, caller: string): Greenlet<any>[] {
  if (typeof greenlets?.[Symbol.iterator] !== 'function' || greenlets instanceof Greenlet)
    throw new TypeError(`${caller} got ${show(greenlets)}: give greenlets`);
  const list = Array.from(greenlets);
  for (const greenlet of list) {
    if (!(greenlet instanceof Greenlet))
      throw new TypeError(`${caller} got ${show(greenlet)}: give greenlets, as spawn() makes them`);
  }
  return list;
}

const inOrderOfCompletion = (one: Greenlet<any>, other: Greenlet<any>): number => one.since - other.since;

/**
 * Waits for greenlets to end and gives those that did, in the order of completion. A failed one counts as ended; with
 * `raiseError` its error is thrown at once, and the others run on. Suspends; a kill ends the wait. Follows
 * `gevent.joinall`.
 *
 * @throws the first failure, with `raiseError`
 * @throws {InvalidSwitchError} the greenlets include the current one
 * @example
 * ```ts
 * import { joinall, run, sleep, spawn } from 'genlet';
 *
 * await run(function* () {
 *   const slow = spawn(sleep, 10);
 *   const quick = spawn(sleep, 1);
 *   const ended = yield* joinall([slow, quick]);
 *   console.log(ended[0] === quick, ended[1] === slow); // => true true
 * });
 * ```
 */
export function joinall<G extends Greenlet<any>>(greenlets: Iterable<G>, options: JoinallOptions = {}): Operation<G[]> {
  const list = listOf(greenlets, 'joinall()') as G[];
  checkOptions(options, '{ timeout: milliseconds }, { raiseError: true } or { count: 1 }');
  const { timeout, raiseError = false, count } = options;
  if (count !== undefined) checkInteger('count', count, 0);
  const limit = checkTimeout(timeout);
  if (!raiseError && count === undefined && limit === undefined) return new JoinAll(list);
  return composite('joinall()', joinSome(list, options));
}

/**
 * Waits for one after the other, beginning with the last, who will mostly end last: the order in which they ended is
 * known from their numbers afterwards. So it needs one link at a time, however many they are.
 */
class JoinAll<G extends Greenlet<any>> extends BaseOperation<G[]> {
  readonly #greenlets: G[];
  #at: number;
  #waiter: RawGreenlet | undefined;
  #link: Advance | undefined;

  constructor(greenlets: G[]) {
    super();
    this.#greenlets = greenlets;
    this.#at = greenlets.length - 1;
  }

  next(resumed?: Resumption): Step {
    if (resumed !== undefined) return resumed;
    const me = hub.self(this, arguments.length);
    checkNotSelf(this.#greenlets, me);
    const alive = this.#nextAlive();
    if (alive === undefined) return hub.ready(this.#ended());
    const step = hub.park(me, this);
    this.#waiter = me;
    this.#link = new Advance(this);
    alive.addLink(this.#link);
    return step;
  }

  #nextAlive(): G | undefined {
    const greenlets = this.#greenlets;
    while (this.#at >= 0 && greenlets[this.#at]!.dead) this.#at--;
    return greenlets[this.#at];
  }

  #ended(): G[] {
    const ended = this.#greenlets;
    for (let i = 1; i < ended.length; i++) {
      if (ended[i - 1]!.since >= ended[i]!.since) return [...new Set(ended)].sort(inOrderOfCompletion);
    }
    return ended;
  }

  advance(link: Advance): void {
    const alive = this.#nextAlive();
    if (alive === undefined) this.#waiter!.wake(this.#ended());
    else alive.addLink(link);
  }

  cancel(): void {
    this.#link!.removeFrom(this.#greenlets[this.#at]!);
  }

  describe(): string {
    return `joinall(${this.#greenlets.length} greenlets)`;
  }
}

class Advance extends Link {
  readonly #join: JoinAll<any>;

  constructor(join: JoinAll<any>) {
    super();
    this.#join = join;
  }

  notify(greenlet: Greenlet<any>): void {
    this.removeFrom(greenlet);
    this.#join.advance(this);
  }
}

function* joinSome<G extends Greenlet<any>>(greenlets: G[], options: JoinallOptions): Coroutine<G[]> {
  checkNotSelf(greenlets, hub.self({ describe: () => 'joinall()' }));
  const { raiseError = false, timeout, count = greenlets.length } = options;
  const ended: G[] = [];
  const add = (greenlet: G) => {
    if (raiseError && !greenlet.successful()) throw greenlet.takeError();
    ended.push(greenlet);
  };
  const waiting = new Set(greenlets);
  for (const greenlet of [...waiting].filter(({ dead }) => dead).sort(inOrderOfCompletion)) {
    if (ended.length >= count) return ended;
    add(greenlet);
    waiting.delete(greenlet);
  }
  using ready = iwait(waiting, { count: Math.max(0, count - ended.length), timeout: timeout ?? null });
  for (let step: IteratorResult<G, undefined>; !(step = yield* ready.next()).done; ) add(step.value);
  return ended.sort(inOrderOfCompletion);
}

function checkNotSelf(greenlets: Greenlet<any>[], me: RawGreenlet): void {
  if ((greenlets as RawGreenlet[]).includes(me)) {
    throw new InvalidSwitchError(`${me.name} would wait for its own end for ever: leave it out of joinall()`);
  }
}

/**
 * Kills greenlets, at once and in order, as `greenlet.kill` does; those that have not begun never run. The returned
 * operation waits until all have ended, and need not be performed. Follows `gevent.killall`.
 *
 * @throws {Timeout} not all have ended within `timeout` ms
 * @example
 * ```ts
 * import { killall, run, sleep, spawn } from 'genlet';
 *
 * await run(function* () {
 *   const greenlets = [spawn(sleep, 1000), spawn(sleep, 2000)];
 *   yield* sleep(0);
 *   yield* killall(greenlets);
 *   console.log(greenlets.map((greenlet) => greenlet.dead)); // => [ true, true ]
 * });
 * ```
 */
export function killall(
  greenlets: Iterable<Greenlet<any>>,
  exception: unknown = new GreenletExit(),
  options: KillOptions = {},
): Operation<void> {
  const list = listOf(greenlets, 'killall()');
  checkOptions(options, '{ block: false } or { timeout: milliseconds }');
  const timeout = checkTimeout(options.timeout);
  for (const greenlet of list) greenlet.sendKill(exception);
  return ended(options.block === false ? [] : list, timeout);
}

function* ended(greenlets: Greenlet<any>[], timeout: number | undefined): Coroutine<void> {
  hub.self({ describe: () => 'killall()' }).checkInterrupts(); // its own kill
  if (timeout === undefined) {
    yield* joinall(greenlets);
    return;
  }
  const dead = yield* joinall(greenlets, { timeout });
  if (dead.length < greenlets.length) throw timedOut(`killall() of ${greenlets.length} greenlets`, timeout);
}

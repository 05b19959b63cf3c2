/** `Group`: greenlets that are waited for, and killed, together. */
import { checkFunction, show } from '../core/check.ts';
import { Greenlet } from '../core/greenlet.ts';
import type { Outcome } from '../core/operation.ts';
import { checkGreenlet, Members } from './members.ts';

/** What `group.statistics()` gives. */
export interface GroupStatistics {
  /** Greenlets in the group. */
  readonly members: number;
}

/**
 * A set of greenlets, each of which leaves it when it ends. Follows `gevent.pool.Group`.
 *
 * An error of a member counts as taken: `join({ raiseError: true })` throws the first.
 *
 * @example
 * ```ts
 * import { Group, run, sleep } from 'genlet';
 *
 * await run(function* () {
 *   const group = new Group();
 *   group.spawn(sleep, 1);
 *   group.spawn(sleep, 2);
 *   console.log(group.size); // => 2
 *   yield* group.join();
 *   console.log(yield* group.map((n: number) => n * n, [1, 2, 3])); // => [ 1, 4, 9 ]
 * });
 * ```
 */
export class Group extends Members {
  constructor(greenlets: Iterable<Greenlet<any>> = []) {
    super();
    if (typeof greenlets?.[Symbol.iterator] !== 'function') {
      throw new TypeError(`greenlets is ${show(greenlets)}: give an iterable of greenlets`);
    }
    for (const greenlet of greenlets) this.add(greenlet);
  }

  /** As `spawn`; the greenlet is a member. Acts at once. */
  spawn<A extends unknown[], R>(fn: (...args: A) => R, ...args: A): Greenlet<Outcome<R>> {
    checkFunction('spawn() target', fn);
    return this.add(new Greenlet<Outcome<R>>(fn as never, ...args)).start();
  }

  /** Makes a greenlet a member, started or not, and gives it back. Acts at once; nothing happens if it is one already. */
  add<G extends Greenlet<any>>(greenlet: G): G {
    checkGreenlet(greenlet);
    if (!this.has(greenlet)) this.enroll(greenlet, 'to join');
    return greenlet;
  }

  /** Counters of this moment. */
  statistics(): GroupStatistics {
    return { members: this.size };
  }
}

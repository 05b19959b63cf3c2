/** The greenlets of a hub: how many live, who waits for the rest, and what happens when nothing can go on. */
import { Callback } from './callback.ts';
import { type BlockedGreenlet, LoopExit } from './errors.ts';
import type { Greenlet } from './greenlet.ts';
import type { RawGreenlet } from './raw-greenlet.ts';
import type { Scheduler } from './scheduler.ts';

type SpawnHook = (greenlet: Greenlet<any>) => void;

/** @internal */
export class Roster {
  /** Greenlets started since the beginning, and those of them that have not ended. */
  spawned = 0;
  alive = 0;
  /** Greenlets that have ended. */
  ended = 0;
  /** The `main` of each `run`, which gets the `LoopExit`. */
  readonly mains: Set<Greenlet<any>> = new Set();
  /** Those that wait in `hub.join()`. */
  readonly joiners: Set<RawGreenlet> = new Set();

  readonly #hub: Scheduler;
  /** Living greenlets that have blocked at least once; the others stand in the ready queue. */
  readonly #blockers: RawGreenlet[] = [];
  #daemons = 0;
  #daemonsChanged = false;
  #reportedStall = -1;
  #spawnHooks: readonly SpawnHook[] = [];

  constructor(hub: Scheduler) {
    this.#hub = hub;
  }

  enlist(greenlet: Greenlet<any>): void {
    this.spawned++;
    this.alive++;
    if (greenlet.daemon) this.#daemons++;
    if (this.#spawnHooks.length > 0) this.#callSpawnHooks(greenlet);
  }

  retire(greenlet: Greenlet<any>): void {
    this.alive--;
    if (greenlet.daemon) this.#daemons--;
    else this.#endDaemons();
  }

  countDaemon(by: 1 | -1): void {
    this.#daemons += by;
    this.#daemonsChanged = true;
  }

  /** From its first blocking on, a greenlet is found here. */
  register(greenlet: RawGreenlet): void {
    greenlet.place = this.#blockers.push(greenlet) - 1;
  }

  unregister(greenlet: RawGreenlet): void {
    const last = this.#blockers.pop()!;
    if (last === greenlet) return;
    last.place = greenlet.place;
    this.#blockers[last.place] = last;
  }

  /** The greenlets that have started and not ended, in the order of their making. */
  living(): RawGreenlet[] {
    const living = new Set(this.#blockers);
    if (this.#hub.current !== undefined) living.add(this.#hub.current);
    for (const runnable of this.#hub.queued()) {
      if (!(runnable instanceof Callback)) living.add(runnable as RawGreenlet);
    }
    return [...living].sort((one, other) => one.id - other.id);
  }

  /** Calls `hook` for each greenlet that starts, until the function that it gives is called. */
  addSpawnHook(hook: SpawnHook): () => void {
    this.#spawnHooks = [...this.#spawnHooks, hook];
    return () => {
      this.#spawnHooks = this.#spawnHooks.filter((other) => other !== hook);
    };
  }

  #callSpawnHooks(greenlet: Greenlet<any>): void {
    for (const hook of this.#spawnHooks) {
      try {
        hook(greenlet);
      } catch (error) {
        this.#hub.handleError(error, undefined, 'hub.onSpawn');
      }
    }
  }

  /** Whether `endPass` may have something to do. */
  hasWork(): boolean {
    return this.#daemonsChanged || this.joiners.size > 0;
  }

  /** At the end of each drain. */
  endPass(): void {
    if (this.#daemonsChanged) {
      this.#daemonsChanged = false;
      this.#endDaemons();
    }
    if (this.joiners.size > 0 && this.isIdle()) this.#releaseJoiners();
  }

  /** Whether there are greenlets that are no daemons. */
  hasOrdinary(): boolean {
    return this.alive > this.#daemons;
  }

  /** Whether nobody but those in `hub.join()`, and `me`, has anything left to do. */
  isIdle(me?: RawGreenlet): boolean {
    const joining = [...this.joiners, me].filter((joiner) => joiner?.counts).length;
    const others = this.alive - this.#daemons - joining;
    return others === 0 && this.#hub.resting && this.#hub.timers.refs === 0;
  }

  #releaseJoiners(): void {
    const joiners = [...this.joiners];
    this.joiners.clear();
    for (const joiner of joiners) joiner.wake(true);
  }

  /** Kills the daemons if nobody else is left. */
  #endDaemons(): void {
    if (this.alive === this.#daemons && this.#daemons > 0) this.#killDaemons();
  }

  /** From now on they are waited for, so that their `finally` blocks have the time that they need. */
  #killDaemons(): void {
    for (const greenlet of this.living() as Greenlet<any>[]) {
      if (!greenlet.daemon) continue;
      greenlet.daemon = false;
      greenlet.kill();
    }
  }

  /**
   * Whoever is blocked stays so for ever. The joiners of the hub are done; a blocked `main` gets `LoopExit`; without one,
   * daemons are killed and the rest is reported.
   */
  stalled(): void {
    if (this.joiners.size > 0) {
      this.#releaseJoiners();
      return;
    }
    if (this.alive === 0) return;
    const blocked = this.living().filter((greenlet) => !greenlet.daemon);
    const mains = [...this.mains].filter((main) => main.isSuspended());
    if (mains.length > 0) {
      const error = this.#loopExit(blocked);
      for (const main of mains) main.interrupt(error, Number.POSITIVE_INFINITY);
    } else if (blocked.length === 0) this.#killDaemons();
    else if (this.#reportedStall !== this.spawned) {
      this.#reportedStall = this.spawned;
      this.#hub.handleError(this.#loopExit(blocked), undefined, 'end of the program');
    }
  }

  #loopExit(blocked: RawGreenlet[]): LoopExit {
    const now = this.#hub.now();
    return new LoopExit(blocked.map((greenlet): BlockedGreenlet => greenlet.blockedReport(now)));
  }
}

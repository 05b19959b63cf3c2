/** What there is of everything that may leak, counted before and after. */
import { readdirSync, readlinkSync } from 'node:fs';
import { type Coroutine, fromCallback, type Operation, run } from 'genlet';
import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest';
import { hub, nextTurn } from '../support/hub.ts';
import { children } from './popen-support.ts';

/** Lets the event loop turn. */
export const turn = (): Operation<void> => fromCallback<void>((done) => void setImmediate(done));

/** How many there are of everything that may leak. */
export function census(): Record<string, number> {
  const counts: Record<string, number> = {};
  const count = (name: string) => {
    counts[name] = (counts[name] ?? 0) + 1;
  };
  for (const resource of process.getActiveResourcesInfo()) if (resource !== 'Immediate') count(resource);
  for (const path of descriptors()) count(path);
  const { alive, timers, ready } = hub.stats();
  const listeners = process.eventNames().reduce((sum, name) => sum + process.listenerCount(name), 0);
  const { outside } = hub;
  return { ...counts, alive, timers, ready, outside, listeners, children: children().length };
}

function descriptors(): string[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      return [`fd ${readlinkSync(`/proc/self/fd/${fd}`).replace(/:?\[.*/, '')}`];
    } catch {
      return []; // that of the listing itself
    }
  });
}

/** What there is more of than before, given some time to go. */
export function* leaks(before: Record<string, number>): Coroutine<Record<string, number>> {
  let more: Record<string, number> = {};
  for (const end = performance.now() + 2000; performance.now() < end; ) {
    more = {};
    for (const [name, count] of Object.entries(census())) {
      if (count > (before[name] ?? 0)) more[name] = count - (before[name] ?? 0);
    }
    if (Object.keys(more).length === 0) break;
    yield* turn();
  }
  return more;
}

/** No warning (of too many listeners, …) and no unhandled rejection comes in the tests of the file. */
export function watchTroubles(): void {
  const troubles: unknown[] = [];
  const trouble = (error: unknown) => {
    if ((error as Error | undefined)?.name !== 'ExperimentalWarning') troubles.push(error);
  };
  beforeAll(() => {
    process.on('warning', trouble);
    process.on('unhandledRejection', trouble);
  });
  afterAll(() => {
    process.off('warning', trouble);
    process.off('unhandledRejection', trouble);
    expect(troubles).toEqual([]);
  });
}

/** After each test of the file nothing is left of what it has made, and Node has warned of nothing. */
export function watchEverything(): void {
  watchTroubles();
  let before: Record<string, number> = {};
  beforeEach(async () => {
    await nextTurn();
    before = census();
  });
  afterEach(async () => {
    expect(await run(() => leaks({ ...before, alive: before.alive! + 1, ready: before.ready! + 1 }))).toEqual({});
  });
}

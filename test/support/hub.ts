/** What the tests of the kernel share: virtual time, and a look at the hub after each test. */
import { getHub, type RawGreenlet, run } from 'genlet';
import { VirtualClock } from 'genlet/testing';
import { afterEach, beforeEach, expect } from 'vitest';

export const hub = getHub();

/** An error that reached the hub because nobody took it. */
export interface Report {
  error: unknown;
  greenlet: RawGreenlet | undefined;
  context: string;
}

/** Runs `main` in virtual time. */
export function virtually<R>(main: () => R) {
  return run(main, { clock: new VirtualClock() });
}

/**
 * After each test of the file: no greenlet, timer or callback is left, and every error that was reported to the hub has
 * been taken by `takeReports()`.
 */
export function watchHub(): { takeReports(): Promise<Report[]> } {
  const reports: Report[] = [];
  const takeReports = async () => {
    await nextTurn(); // an error is reported at the end of a pass
    return reports.splice(0);
  };
  beforeEach(() => {
    hub.onError = (error, greenlet, context) => void reports.push({ error, greenlet, context });
  });
  afterEach(async () => {
    const left = await takeReports();
    const { alive, timers, ready } = hub.stats();
    expect({ alive, timers, ready, reports: left }).toEqual({ alive: 0, timers: 0, ready: 0, reports: [] });
  });
  return { takeReports };
}

/** Lets what is ready in the event loop happen. */
export async function nextTurn(): Promise<void> {
  for (let i = 0; i < 3; i++) await new Promise<void>((resolve) => void setImmediate(resolve));
}

/** Waits until nothing is left on the hub, in a program whose main has ended. */
export async function untilIdle(): Promise<void> {
  for (;;) {
    await nextTurn();
    const { alive, timers, ready } = hub.stats();
    if (alive + timers + ready === 0) return;
  }
}

/** Examples inside a test, in virtual time. After each test nothing of them may be left on the hub. */
import { format } from 'node:util';
import { getHub, run, until } from 'genlet';
import { VirtualClock } from 'genlet/testing';
import { vi } from 'vitest';
import { untilIdle, watchHub } from '../support/hub.ts';

watchHub();

/** A line that an example printed, and when: in milliseconds since its start. */
export type Line = [ms: number, text: string];

/** Plays an example, `() => import('…')`, until its last greenlet has ended, and gives what it printed. */
export async function play(example: () => Promise<unknown>): Promise<Line[]> {
  const lines: Line[] = [];
  const log = vi.spyOn(console, 'log');
  log.mockImplementation((...values) => void lines.push([getHub().now(), format(...values)]));
  try {
    // The hub keeps this clock while its main waits for the example. Nobody in there waits for the world outside.
    await run(() => until(example()), { clock: new VirtualClock({ patience: 1 }) });
    await untilIdle();
  } finally {
    log.mockRestore();
  }
  return lines;
}

/** What was printed, whenever it was. */
export function textOf(lines: Line[]): string[] {
  return lines.map(([, text]) => text);
}

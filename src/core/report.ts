/** How errors that nobody took appear on stderr. */
import { inspect } from 'node:util';
import type { RawGreenlet } from './raw-greenlet.ts';

/** Prints an error with the greenlet that died of it and the place where that was spawned. Never throws. @internal */
export function printError(error: unknown, greenlet: RawGreenlet | undefined, context: string): void {
  const who = greenlet === undefined ? context : `${greenlet}`;
  const where = greenlet?.extras?.spawnStack;
  const spawned = where === undefined ? '' : `spawned\n${where}\n`;
  try {
    process.stderr.write(`${show(error)}\n${who} failed, and nobody took the error\n${spawned}`);
  } catch {
    // There is nobody left to tell.
  }
}

function show(error: unknown): string {
  try {
    return error instanceof Error && typeof error.stack === 'string' ? inspect(error) : `thrown: ${inspect(error)}`;
  } catch {
    return `thrown: a ${typeof error} that can't be shown`;
  }
}

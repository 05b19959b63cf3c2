/** How errors that nobody took appear on stderr. */
import { inspect } from 'node:util';
import type { RawGreenlet } from './raw-greenlet.ts';

/** Prints an error with the greenlet that died of it and the place where that was spawned. @internal */
export function printError(error: unknown, greenlet: RawGreenlet | undefined, context: string): void {
  try {
    process.stderr.write(format(error, greenlet, context));
  } catch (second) {
    process.stderr.write(`${context} failed with an error that can't be shown: showing it threw ${typeof second}\n`);
  }
}

function format(error: unknown, greenlet: RawGreenlet | undefined, context: string): string {
  const who = greenlet === undefined ? context : `${greenlet}`;
  const where = greenlet?.extras?.spawnStack;
  const text = error instanceof Error && typeof error.stack === 'string' ? inspect(error) : `thrown: ${inspect(error)}`;
  const spawned = where === undefined ? '' : `spawned\n${where}\n`;
  return `${text}\n${who} failed, and nobody took the error\n${spawned}`;
}

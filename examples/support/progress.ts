/** A progress bar on one line of a terminal. */
import { type Coroutine, sleep } from 'genlet';

export interface Progress {
  readonly done: number;
  readonly total: number;
}

/** The part of `process.stdout` that it needs. */
export interface Terminal {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

const TO_LINE_START = '\r';
const ERASE_REST = '\x1b[K';
const WIDEST = 40;

/** Draws `read()` ten times a second until it is killed, and then wipes the line; draws nothing where there is no terminal. */
export function* showProgress(read: () => Progress, terminal: Terminal = process.stdout): Coroutine<void> {
  if (!terminal.isTTY) return;
  try {
    for (;;) {
      terminal.write(TO_LINE_START + formatBar(read(), terminal.columns || 80) + ERASE_REST);
      yield* sleep(100);
    }
  } finally {
    terminal.write(TO_LINE_START + ERASE_REST);
  }
}

function formatBar({ done, total }: Progress, columns: number): string {
  const count = ` ${done} of ${total}`;
  const width = Math.max(0, Math.min(WIDEST, columns - count.length - 3)); // the brackets and the last column stay free
  const filled = total === 0 ? 0 : Math.floor((width * done) / total);
  return `[${'#'.repeat(filled)}${' '.repeat(width - filled)}]${count}`;
}

/** The outcomes so far, kept in a file so that a long run can go on where it was ended. */
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import type { Outcome } from './run-test.ts';

export class Outcomes {
  readonly #file: string | undefined;
  readonly #known = new Map<string, Outcome>();

  constructor(file?: string) {
    this.#file = file;
    if (file === undefined || !existsSync(file)) return;
    for (const line of readFileSync(file, 'utf8').split('\n').filter(Boolean)) {
      const [key, outcome] = JSON.parse(line);
      this.#known.set(key, outcome);
    }
  }

  /** What is known under a key, or else what `run` gives. */
  async of(key: string, run: () => Promise<Outcome>): Promise<Outcome> {
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const outcome = await run();
    this.#known.set(key, outcome);
    if (this.#file !== undefined) appendFileSync(this.#file, `${JSON.stringify([key, outcome])}\n`);
    return outcome;
  }
}

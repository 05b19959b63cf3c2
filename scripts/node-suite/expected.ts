/** The lists of files that the patch is known to change, and why. */
import { readFileSync } from 'node:fs';

export type Expected = ReadonlyMap<string, string>;

/** The files, with their reasons, of one version of Node. Each line has a path, versions (`20,24`) and a reason. */
export function parseExpected(text: string, version: string): Expected {
  const major = /\d+/.exec(version)![0];
  const found = new Map<string, string>();
  for (const line of text.split('\n')) {
    if (line.trim() === '' || line.startsWith('#')) continue;
    const [, path, versions, reason] = /^(\S+) +([\d,]+) +(\S.*)$/.exec(line) ?? [];
    if (path === undefined) throw new Error(`"${line}" should be a path, versions of Node such as 20,24, and a reason`);
    if (versions!.split(',').includes(major)) found.set(path, reason!);
  }
  return found;
}

export function readExpected(file: string, version: string): Expected {
  return parseExpected(readFileSync(file, 'utf8'), version);
}

export interface Judgement {
  /** Changed, as expected. */
  readonly expected: string[];
  /** Changed, and nobody knows why. */
  readonly unexpected: string[];
  /** Expected to change, but no longer do, or are no longer there. */
  readonly outdated: string[];
}

/** Compares what has changed with what should; `isJudged` tells whether it would have been seen that a file has changed. */
export function judge(changed: readonly string[], expected: Expected, isJudged: (path: string) => boolean): Judgement {
  return {
    expected: changed.filter((path) => expected.has(path)),
    unexpected: changed.filter((path) => !expected.has(path)),
    outdated: [...expected.keys()].filter((path) => isJudged(path) && !changed.includes(path)),
  };
}

/** Python's side of the comparison. */
import { execFile, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const script = fileURLToPath(new URL('python/run.py', import.meta.url));

/** The first `python3` on the PATH that can import gevent. */
export function findPython(): string | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter);
  const found = folders.map((folder) => join(folder, 'python3')).filter((file) => existsSync(file));
  return found.find((python) => spawnSync(python, ['-c', 'import gevent']).status === 0);
}

/** Runs all the Python programs, and gives the events of each. */
export async function runPython(python: string): Promise<Record<string, string[]>> {
  const { stdout } = await promisify(execFile)(python, [script], { timeout: 110_000 });
  return JSON.parse(stdout);
}

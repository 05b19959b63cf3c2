/** Programs that run in a process of their own. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { inject } from 'vitest';

export interface Ended {
  /** Lines of stdout. */
  lines: string[];
  stderr: string;
  /** The exit code, or the name of the signal that ended it. */
  exit: number | string;
}

interface Options {
  env?: Record<string, string>;
  /** Called with each line as it is printed. */
  onLine?: (line: string, kill: (signal: NodeJS.Signals) => void) => void;
}

/** Runs a JavaScript module in which `genlet` is the sources, compiled. */
export async function runProgram(source: string, { env, onLine }: Options = {}): Promise<Ended> {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', source], {
    cwd: inject('build'),
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const lines: string[] = [];
  let rest = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    const parts = (rest + chunk).split('\n');
    rest = parts.pop()!;
    for (const line of parts) {
      lines.push(line);
      onLine?.(line, (signal) => child.kill(signal));
    }
  });
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    stderr += chunk;
  });
  const [code, signal] = await once(child, 'close');
  return { lines, stderr, exit: code ?? signal };
}

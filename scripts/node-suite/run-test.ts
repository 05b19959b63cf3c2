/** Runs a file of Node's own tests, as the runner of Node's project does. */
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { directivesOf, type TestFile } from './suite.ts';

export type Kind = 'passed' | 'skipped' | 'failed';

export interface Outcome {
  readonly kind: Kind;
  /** What it wrote, if it failed. */
  readonly output?: string;
}

export interface Surroundings {
  readonly node: string;
  readonly suite: string;
  /** A folder for what the tests write. */
  readonly scratch: string;
  /** The time limit of a file. */
  readonly seconds: number;
  /** The number of what runs side by side, from 0; each has files and ports of its own. */
  readonly slot: number;
}

/** What a test may need of the environment; npm and tsx add much else. */
const kept = ['PATH', 'HOME', 'USER', 'LOGNAME', 'SHELL', 'TMPDIR', 'LANG', 'TZ'];

export async function runTest(test: TestFile, preloads: readonly string[], around: Surroundings): Promise<Outcome> {
  const { node, suite, scratch, seconds, slot } = around;
  const { flags, env } = directivesOf(suite, test);
  const inherited = kept.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]]));
  const child = spawn(
    node,
    [...flags, ...preloads.flatMap((file) => ['--require', file]), join(suite, 'test', test.path)],
    {
      cwd: suite,
      detached: true, // a group of its own, to be ended with all its children
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...Object.fromEntries(inherited),
        NODE_TEST_DIR: scratch,
        NODE_COMMON_PORT: String(12_346 + 100 * slot),
        TEST_SERIAL_ID: String(slot),
        TEST_THREAD_ID: String(slot),
        ...(test.parallel ? { TEST_PARALLEL: '1' } : {}),
        ...env,
      },
    },
  );
  return outcomeOf(child, seconds);
}

function outcomeOf(child: ChildProcess, seconds: number): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    let output = '';
    for (const stream of [child.stdout!, child.stderr!]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        if (output.length < 100_000) output += text;
      });
    }
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      endGroup(child);
    }, seconds * 1000);
    child.on('error', reject);
    child.on('exit', () => {
      // What it leaves behind may hold its output open, even from a group of its own.
      setTimeout(endGroup, 200, child);
      setTimeout(() => [child.stdout!, child.stderr!].map((stream) => stream.destroy()), 2000).unref();
    });
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      if (code === 0) resolve({ kind: /^1\.\.0 # skip/im.test(output) ? 'skipped' : 'passed' });
      else {
        const end = late ? `not ended after ${seconds} seconds` : `ended by ${signal ?? `code ${code}`}`;
        resolve({ kind: 'failed', output: `${output.slice(-4000)}\n${end}` });
      }
    });
  });
}

function endGroup(child: ChildProcess): void {
  try {
    process.kill(-child.pid!, 'SIGKILL');
  } catch {
    // There is nobody left in it.
  }
}

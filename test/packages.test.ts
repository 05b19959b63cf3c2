/**
 * Packages that many programs have are used as ever, first without genlet, then with the patch preloaded, and then from
 * inside greenlets too. What their programs print must be the same.
 */
import { spawn } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it, type TestContext } from 'vitest';
import { installPackages, makeFolder, type Running, startPostgres, startRedis } from './packages/setup.ts';

const programs = ['express', 'ws', 'pg', 'ioredis', 'pino', 'undici', 'vitest'];

const ways = {
  plain: { mode: 'plain', preload: [] },
  'with --import': { mode: 'patched', preload: ['--import', 'genlet/monkey/register'] },
  'with --require': { mode: 'patched', preload: ['--require', 'genlet/monkey/register'] },
  'inside greenlets': { mode: 'greenlets', preload: ['--import', 'genlet/monkey/register'] },
};

type Way = keyof typeof ways;

interface Outcome {
  status: number | string | null;
  stdout: string;
  stderr: string;
}

describe('a program that uses', { timeout: 120_000 }, () => {
  let problem: string | undefined;
  let folder: ReturnType<typeof makeFolder> | undefined;
  const servers: Record<string, Running | string> = {};
  const outcomes = new Map<string, Promise<Outcome>>();

  beforeAll(async () => {
    problem = installPackages();
    if (problem !== undefined) return;
    folder = makeFolder();
    [servers.ioredis, servers.pg] = await Promise.all([startRedis(), startPostgres()]);
    // Two at a time.
    let lanes: Promise<unknown>[] = [Promise.resolve(), Promise.resolve()];
    for (const program of programs.filter((program) => typeof servers[program] !== 'string')) {
      for (const way of Object.keys(ways) as Way[]) {
        const outcome = lanes[0]!.then(() => runProgram(program, way));
        outcomes.set(`${program} ${way}`, outcome);
        lanes = [lanes[1]!, outcome];
      }
    }
  }, 180_000);

  afterAll(async () => {
    await Promise.allSettled(outcomes.values());
    for (const server of Object.values(servers)) if (typeof server !== 'string') await server.stop();
    folder?.remove();
  }, 120_000);

  /** What a program did, or a reason to skip its tests. */
  function outcomeOf(program: string, way: Way, { skip }: TestContext): Promise<Outcome> {
    const server = servers[program];
    if (problem !== undefined) skip(problem);
    if (typeof server === 'string') skip(server);
    return outcomes.get(`${program} ${way}`)!;
  }

  describe.for(programs)('%s', (program) => {
    it('runs to its end without genlet', async (context) => {
      const { status, stdout, stderr } = await outcomeOf(program, 'plain', context);
      expect([status, stderr]).toEqual([0, expect.not.stringContaining('Error')]);
      expect(stdout.split('\n').length).toBeGreaterThan(20);
    });

    for (const way of Object.keys(ways) as Way[]) {
      if (way === 'plain') continue;
      it(`does the same ${way}`, async (context) => {
        const plain = await outcomeOf(program, 'plain', context);
        expect(await outcomeOf(program, way, context)).toEqual(plain);
      });
    }
  });

  async function runProgram(program: string, way: Way): Promise<Outcome> {
    const { mode, preload } = ways[way];
    const { PATH, HOME } = process.env;
    const server = servers[program];
    const env: NodeJS.ProcessEnv = { PATH, HOME, ...(typeof server === 'object' ? server.env : {}) };
    if (program === 'vitest') {
      // Its processes and threads are to be patched too.
      env.NODE_OPTIONS = preload.join(' ');
      env.PATCHED = String(mode !== 'plain');
      env.GREENLETS = mode === 'greenlets' ? '1' : '0';
    }
    const options = program === 'vitest' ? [] : preload;
    const child = spawn(process.execPath, [...options, 'scenario.mjs', program, mode], { cwd: folder!.folder, env });
    const timer = setTimeout(() => child.kill(), 60_000);
    let [stdout, stderr] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (piece) => {
      stdout += piece;
    });
    child.stderr.setEncoding('utf8').on('data', (piece) => {
      stderr += piece;
    });
    const [code, signal] = await new Promise<[number | null, string | null]>((resolve) => {
      child.on('close', (...how) => resolve(how));
    });
    clearTimeout(timer);
    return { status: code ?? signal, stdout, stderr: stderr.replace(/\(node:\d+\)/g, '(node)') };
  }
});

import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

const sources = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const loader = new URL('../../../src/io/monkey/sync.ts', import.meta.url).href;

async function runFixture(name: string, env: Record<string, string> = {}) {
  const args = ['--no-warnings', '--import', 'tsx', '--import', loader, sources(`fixtures/${name}`)];
  const { stdout, stderr } = await promisify(execFile)(process.execPath, args, { env: { ...process.env, ...env } });
  return { seen: JSON.parse(stdout), stderr };
}

describe('the loader of genlet/monkey/sync', () => {
  it('makes blocking calls in coroutines suspend the greenlet, with the same results', async () => {
    const { seen, stderr } = await runFixture('blocking.mts', { GENLET_DEV: '1' });
    expect(seen).toEqual({
      met: [
        ['a met', 'b met'],
        ['a2', 'b2'],
      ],
      zlib: 'text',
      crypto: 8,
      pair: ['publicKey', 'privateKey'],
      exec: '42\n',
      spawn: [3, null, 'in', 'no\n'],
      read: 1,
      failed: [4, 'bad\n', 'Command failed: sh -c echo bad >&2; exit 4\nbad\n'],
      missing: ['ENOENT', expect.stringMatching(/^\d+$/)],
      late: ['ETIMEDOUT', 'SIGTERM'],
      killed: true,
      wait: ['ok', 'not-equal', 'timed-out'],
      own: 7,
      plain: [true, false],
      outside: { done: true, value: 'a' },
    });
    expect(stderr).toMatch(
      /blocking\.mts:\d+: fs\.existsSync\(\) blocks, for it stands in a function that is no generator/,
    );
    expect(stderr.match(/Warning/g)).toHaveLength(1);
  });

  it('does the same in CommonJS', async () => {
    const { seen } = await runFixture('blocking.cts');
    expect(seen).toEqual(['other', 'true']);
  });
});

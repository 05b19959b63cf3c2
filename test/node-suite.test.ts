import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Comparison, compareSuite } from '../scripts/node-suite/compare.ts';
import { parseExpected } from '../scripts/node-suite/expected.ts';
import { Outcomes } from '../scripts/node-suite/outcomes.ts';
import { type Outcome, runTest } from '../scripts/node-suite/run-test.ts';
import { directives, isSuite, selector } from '../scripts/node-suite/suite.ts';

const suite = mkdtempSync(join(tmpdir(), 'genlet-suite-'));
const preload = join(suite, 'preload.cjs');

beforeAll(() => {
  for (const folder of ['parallel', 'sequential', 'scratch'])
    mkdirSync(join(suite, 'test', folder), { recursive: true });
  writeFileSync(preload, 'globalThis.preloaded = true;');
  const files: Record<string, string> = {
    'parallel/test-fs-same.js': '',
    'parallel/test-fs-breaks.js': 'if (globalThis.preloaded) throw new Error("preloaded");',
    'parallel/test-fs-heals.js': 'if (!globalThis.preloaded) throw new Error("plain");',
    'parallel/test-fs-skips.mjs': 'if (globalThis.preloaded) console.log("1..0 # Skipped: preloaded");',
    'parallel/test-fs-fails.js': 'process.exitCode = 3;',
    'sequential/test-net-flags.js':
      '// Flags: --expose-gc --no-warnings\n// Env: A=1 B=x=y\ngc(); if (process.env.B !== "x=y") throw 1;',
    'sequential/test-net-unsteady.js': `
      const fs = require('fs'), file = ${JSON.stringify(join(suite, 'visited'))};
      if (!globalThis.preloaded || fs.existsSync(file)) return;
      fs.writeFileSync(file, '');
      throw new Error('the first time');`,
    'parallel/test-vm-breaks.js': 'if (globalThis.preloaded) throw new Error("preloaded");',
  };
  for (const [path, text] of Object.entries(files)) writeFileSync(join(suite, 'test', path), text);
});
afterAll(() => rmSync(suite, { recursive: true, force: true }));

const around = { node: process.execPath, suite, scratch: join(suite, 'test/scratch'), seconds: 20 };

async function compare(changes: Partial<Comparison> = {}): Promise<{ good: boolean; printed: string[] }> {
  const printed: string[] = [];
  const good = await compareSuite({
    ...around,
    version: process.version,
    preloads: [preload],
    variant: 'preloaded',
    jobs: 2,
    isSelected: selector(['fs', 'net'], /./),
    expected: new Map(),
    outcomes: new Outcomes(),
    print: (text) => printed.push(...text.split('\n')),
    ...changes,
  });
  return { good, printed };
}

const major = process.version.slice(1).split('.')[0];
const all = `
# what changes
parallel/test-fs-breaks.js ${major},99 a reason
parallel/test-fs-heals.js 1,${major} a reason
parallel/test-fs-skips.mjs ${major} a reason
parallel/test-fs-same.js 1,99 of other versions
parallel/test-fs-fails.js ${major} fails anyway
parallel/test-vm-breaks.js ${major} in another area
`;

it('tells what the preload has changed, and gives false', { timeout: 60_000 }, async () => {
  const { good, printed } = await compare();
  expect(good).toBe(false);
  expect(printed.filter((line) => /^(\w+| {2}\w+)\/test/.test(line))).toEqual([
    'parallel/test-fs-breaks.js: passed, with the preload failed',
    'parallel/test-fs-heals.js: failed, with the preload passed',
    'parallel/test-fs-skips.mjs: passed, with the preload skipped',
    '  sequential/test-net-unsteady.js',
    '  parallel/test-fs-breaks.js',
    '  parallel/test-fs-heals.js',
    '  parallel/test-fs-skips.mjs',
  ]);
  expect(printed).toContain('    Error: preloaded');
  expect(printed.at(-1)).toBe(
    '7 files: 5 passed plain, 0 skipped, 2 failed; 3 changed, 3 of them unexpected, 1 unsteady',
  );
});

it('gives true if just what is expected changes', { timeout: 60_000 }, async () => {
  const { good, printed } = await compare({ expected: parseExpected(all, process.version) });
  expect(good).toBe(true);
  expect(printed).toContain('  parallel/test-fs-breaks.js: a reason');
  expect(printed.at(-1)).toContain('3 changed, 0 of them unexpected');
});

it('gives false if what is expected to change does not', { timeout: 60_000 }, async () => {
  const expected = parseExpected(`${all}parallel/test-fs-gone.js ${major} was there once`, process.version);
  const { good, printed } = await compare({ expected });
  expect(good).toBe(false);
  expect(printed).toContain('Expected to change, but they no longer do:');
  expect(printed).toContain('  parallel/test-fs-gone.js: was there once');
});

it('runs nothing again whose outcome is in the file', { timeout: 60_000 }, async () => {
  const file = join(suite, 'outcomes.jsonl');
  const isSelected = selector(['fs'], /breaks/);
  const first = await compare({ isSelected, outcomes: new Outcomes(file) });
  const none = { preloads: ['/there/is/none.cjs'], node: '/there/is/none' };
  expect(await compare({ isSelected, outcomes: new Outcomes(file), ...none })).toEqual(first);
  await expect(compare({ isSelected, outcomes: new Outcomes(file), variant: 'another', ...none })).rejects.toThrow(
    'ENOENT',
  );
});

it('ends a file that takes too long, and what it leaves behind', async () => {
  const path = 'parallel/test-fs-long.js';
  writeFileSync(
    join(suite, 'test', path),
    `require('child_process').spawn('sleep', ['8'], { stdio: 'inherit', detached: true });
     setInterval(() => {}, 1000); console.log('begun');`,
  );
  const start = performance.now();
  const outcome = await runTest({ path, parallel: true }, [], { ...around, seconds: 0.5, slot: 1 });
  expect(outcome).toEqual({ kind: 'failed', output: 'begun\n\nnot ended after 0.5 seconds' } satisfies Outcome);
  expect(performance.now() - start).toBeLessThan(6000);
  rmSync(join(suite, 'test', path));
});

it('reads the options and the environment that a file asks for', () => {
  const source = '// Copyright\n// Flags: --a --b=c\n\n// Flags: --d\n// Env: A=1 B=x=y\nx; // Flags: none\n';
  expect(directives(source)).toEqual({ flags: ['--a', '--b=c', '--d'], env: { A: '1', B: 'x=y' } });
});

it('selects files by area and name', () => {
  const paths = [
    'parallel/test-fs-open.js',
    'parallel/test-fsx.js',
    'sequential/test-http2-a.mjs',
    'pummel/test-fs-a.js',
    'parallel/test-http-b.js',
  ];
  expect(paths.filter(selector(['fs', 'http'], /./))).toEqual(['parallel/test-fs-open.js', 'parallel/test-http-b.js']);
  expect(paths.filter(selector(['http2', 'fs'], /a\./))).toEqual(['sequential/test-http2-a.mjs']);
  expect(() => selector(['files'], /./)).toThrow('--areas has files: give some of fs,net,');
  expect([isSuite(suite), isSuite(join(suite, 'test')), isSuite(undefined)]).toEqual([true, false, false]);
});

it('refuses a list of expected changes without reasons', () => {
  expect(() => parseExpected('parallel/test-fs-open.js 20\n', 'v20.1.0')).toThrow(
    '"parallel/test-fs-open.js 20" should be a path',
  );
});

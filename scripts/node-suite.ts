/**
 * Runs Node's own tests twice, plain and with `genlet/monkey/register` preloaded, and tells what the preload changed.
 *
 *   NODE_TEST_SUITE=FOLDER npm run test:node-suite -- [--node BIN] [--areas fs,net] [--match REGEXP] [--jobs N]
 *     [--timeout SECONDS] [--inside] [--resume FILE]
 *
 * With `--inside`, every call counts as made inside a greenlet. `--resume` keeps the outcomes in a file, and runs only what is not in
 * there. The preload is what `npm run build` has made, installed in a folder of its own as users have it.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { compareSuite } from './node-suite/compare.ts';
import { type Expected, readExpected } from './node-suite/expected.ts';
import { Outcomes } from './node-suite/outcomes.ts';
import { areaNames, isSuite, selector } from './node-suite/suite.ts';
import { listFiles } from './project.ts';

const { values: options } = parseArgs({
  options: {
    node: { type: 'string', default: process.execPath },
    areas: { type: 'string', default: areaNames.join() },
    match: { type: 'string', default: '' },
    jobs: { type: 'string', default: String(availableParallelism()) },
    timeout: { type: 'string', default: '60' },
    inside: { type: 'boolean', default: false },
    resume: { type: 'string' },
  },
});

const folder = import.meta.dirname;
const { NODE_TEST_SUITE } = process.env;
if (!isSuite(NODE_TEST_SUITE)) {
  console.error(`NODE_TEST_SUITE is ${NODE_TEST_SUITE}: give a folder with Node's own tests in test/parallel, of about the version that
is to run them. That is a copy of Node's sources,
  git clone --depth 1 --branch v24.12.0 https://github.com/nodejs/node
or, with little beside the tests, of https://github.com/denoland/node_test at commit d12a68f (v20.11.1) or 170b25a (v24.12.0).`);
  process.exit(2);
}
const suite = resolve(NODE_TEST_SUITE);
const version = execFileSync(options.node, ['--version'], { encoding: 'utf8' }).trim();
const isSelected = selector(options.areas.split(','), new RegExp(options.match));
const scratch = mkdtempSync(join(tmpdir(), 'node-suite-'));
const home = join(scratch, 'node_modules/genlet');
const register = join(home, 'dist/io/monkey/register.js');
const outcomes = new Outcomes(options.resume);

try {
  install();
  process.exitCode = (await (options.inside ? compareInside() : compareOutside())) ? 0 : 1;
} finally {
  rmSync(scratch, { recursive: true, force: true, maxRetries: 3 });
}

function compareOutside(): Promise<boolean> {
  return compare('outside greenlets', [register], expectedOf('outside'), isSelected);
}

/** What is left of the files that change, once the missing callbacks that they assert are no more among the changes, has to pass. */
async function compareInside(): Promise<boolean> {
  const always = expectedOf('outside');
  const missing = expectedOf('inside');
  const inside = join(folder, 'node-suite/inside.cjs');
  const refused = join(folder, 'node-suite/throws-outside.cjs');
  const isMissing = (path: string) => missing.has(path) && isSelected(path);
  const rest = await compare(
    'inside greenlets, but for those in assert.throws',
    [register, refused],
    always,
    isMissing,
  );
  const all = await compare('inside greenlets', [register, inside], new Map([...always, ...missing]), isSelected);
  return rest && all;
}

function compare(
  mode: string,
  preloads: string[],
  expected: Expected,
  isChosen: (path: string) => boolean,
): Promise<boolean> {
  console.log(`\nNode ${version}, ${suite}, all calls ${mode}`);
  return compareSuite({
    node: options.node,
    version,
    suite,
    scratch,
    seconds: Number(options.timeout),
    jobs: Number(options.jobs),
    preloads,
    variant: variantOf(preloads),
    isSelected: isChosen,
    expected,
    outcomes,
    print: console.log,
  });
}

function expectedOf(mode: 'outside' | 'inside'): Expected {
  return readExpected(join(folder, `node-suite/expected-${mode}.txt`), version);
}

function install(): void {
  for (const name of ['dist', 'package.json']) cpSync(join(folder, '..', name), join(home, name), { recursive: true });
  symlinkSync(resolve(folder, '../node_modules/undici'), join(scratch, 'node_modules/undici'), 'dir');
}

/** Outcomes of other preloads, or of another build, are of no use. */
function variantOf(preloads: readonly string[]): string {
  const hash = createHash('sha256');
  for (const file of [...listFiles(join(home, 'dist'), '.js'), ...preloads]) hash.update(readFileSync(file));
  return `${preloads.map((file) => basename(file)).join('+')} ${hash.digest('hex').slice(0, 16)}`;
}

/** Runs Node's own tests plain and with a preload, and tells what the preload changed. */
import { type Expected, judge } from './expected.ts';
import type { Outcomes } from './outcomes.ts';
import { type Outcome, runTest, type Surroundings } from './run-test.ts';
import { listTests, type TestFile } from './suite.ts';

export interface Comparison extends Omit<Surroundings, 'slot'> {
  /** The version of `node`. */
  readonly version: string;
  /** What is preloaded by `--require`, in this order. */
  readonly preloads: readonly string[];
  /** Tells the outcomes with these preloads from others. */
  readonly variant: string;
  readonly isSelected: (path: string) => boolean;
  readonly expected: Expected;
  readonly outcomes: Outcomes;
  /** How many files run side by side. */
  readonly jobs: number;
  readonly print: (text: string) => void;
}

/** The last line that it prints is one of counts. Gives whether nothing has changed but what was expected to. */
export async function compareSuite(comparison: Comparison): Promise<boolean> {
  const { suite, isSelected, expected: reasons, jobs, print } = comparison;
  const tests = listTests(suite, isSelected);
  const counts = { passed: 0, skipped: 0, failed: 0 };
  const failing = new Set<string>();
  const differing: TestFile[] = [];
  await inSlots(tests, jobs, async (test, slot) => {
    const [plain, patched] = await runBoth(comparison, test, slot, 0);
    if (plain.kind !== patched.kind) differing.push(test);
    if (plain.kind === 'failed') failing.add(test.path);
    counts[plain.kind]++;
    const done = counts.passed + counts.skipped + counts.failed;
    if (done % 200 === 0) print(`  ${done} of ${tests.length} files`);
  });

  const changed: string[] = [];
  const unsteady: string[] = [];
  for (const test of differing.sort((a, b) => (a.path < b.path ? -1 : 1))) {
    const pairs: [plain: Outcome, patched: Outcome][] = [];
    for (const attempt of [1, 2, 3]) pairs.push(await runBoth(comparison, test, 0, attempt));
    const [plain, patched] = pairs[0]!;
    const repeats = pairs.every((pair) => pair[0].kind === plain.kind && pair[1].kind === patched.kind);
    const isChange = repeats && plain.kind !== patched.kind;
    (isChange ? changed : unsteady).push(test.path);
    if (isChange && !reasons.has(test.path)) {
      print(`\n${test.path}: ${plain.kind}, with the preload ${patched.kind}`);
      print((patched.output ?? plain.output ?? '').replace(/^/gm, '    '));
    }
  }

  const { expected, unexpected, outdated } = judge(
    changed,
    reasons,
    (path) => isSelected(path) && !failing.has(path), // what fails anyway may fail for another reason now
  );
  const list = (title: string, paths: readonly string[]) => {
    if (paths.length > 0) print(`\n${title}:`);
    for (const path of paths) print(`  ${path}${reasons.has(path) ? `: ${reasons.get(path)}` : ''}`);
  };
  list('Unsteady, so that they count for nothing', unsteady);
  list('Changed, as expected', expected);
  list('Expected to change, but they no longer do', outdated);
  list('Changed', unexpected);
  const plain = `${counts.passed} passed plain, ${counts.skipped} skipped, ${counts.failed} failed`;
  const change = `${changed.length} changed, ${unexpected.length} of them unexpected, ${unsteady.length} unsteady`;
  print(`${tests.length} files: ${plain}; ${change}`);
  return unexpected.length + outdated.length === 0;
}

async function runBoth(comparison: Comparison, test: TestFile, slot: number, attempt: number) {
  const { outcomes, suite, variant, preloads } = comparison;
  const once = (name: string, files: readonly string[]) => {
    const key = [comparison.version, suite, test.path, name, attempt].join(' ');
    return outcomes.of(key, () => runTest(test, files, { ...comparison, slot }));
  };
  const plain = await once('plain', []);
  return [plain, await once(variant, preloads)] satisfies [Outcome, Outcome];
}

/** The files of `parallel` side by side in slots from 1 on, and then those of `sequential`, one after the other in slot 0. */
async function inSlots(
  tests: readonly TestFile[],
  jobs: number,
  run: (test: TestFile, slot: number) => Promise<void>,
): Promise<void> {
  const queue = tests.filter(({ parallel }) => parallel).values();
  const drain = async (slot: number) => {
    for (const test of queue) await run(test, slot);
  };
  await Promise.all(Array.from({ length: jobs }, (_, index) => drain(index + 1)));
  for (const test of tests.filter(({ parallel }) => !parallel)) await run(test, 0);
}

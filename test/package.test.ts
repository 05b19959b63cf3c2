import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { entryPoints, readCompilerConfig } from '../scripts/project.ts';

const entries = entryPoints();
const node = `"${process.execPath}"`;

/** Imports all entry points and prints how many names each exports. */
const program = entries
  .map(
    ({ name }, index) => `import * as module${index} from '${name}';\nconsole.log(Object.keys(module${index}).length);`,
  )
  .join('\n');

it('has the same entry points in package.json, tsconfig.json and typedoc.json', () => {
  const { paths } = readCompilerConfig('tsconfig.json').options;
  expect(paths).toEqual(Object.fromEntries(entries.map(({ name, source }) => [name, [`./${source}`]])));
  const { entryPoints: documented } = JSON.parse(readFileSync('typedoc.json', 'utf8'));
  expect(documented).toEqual(entries.map(({ source }) => source));
});

describe('the package', { timeout: 120_000 }, () => {
  const scratch = mkdtempSync(join(tmpdir(), 'genlet-package-'));
  const user = join(scratch, 'user');
  let tarball: string;
  let contents: string[];

  beforeAll(() => {
    // Packing builds dist. It does so in a copy, since other tests may be using the one here.
    const copy = join(scratch, 'copy');
    const omitted = ['.git', 'node_modules', 'dist', '.examples'];
    cpSync('.', copy, { recursive: true, filter: (path) => !omitted.includes(basename(path)) });
    symlinkSync(resolve('node_modules'), join(copy, 'node_modules'), 'dir');
    const [packed] = JSON.parse(execute(copy, 'npm pack --json --loglevel=error'));
    tarball = join(copy, packed.filename);
    contents = packed.files.map(({ path }: { path: string }) => path);

    mkdirSync(user);
    writeFileSync(join(user, 'package.json'), JSON.stringify({ type: 'module' }));
    const types = resolve('node_modules/@types/node');
    execute(user, `npm install --no-audit --no-fund --loglevel=error "${tarball}" "${types}"`);
  }, 120_000);

  afterAll(() => {
    rmSync(scratch, { recursive: true, force: true });
  });

  it('contains what was built, its sources and the pages', () => {
    const pages = contents.filter((path) => !/^(dist|src)\//.test(path));
    expect(pages.sort()).toEqual([
      'CHANGELOG.md',
      'LICENSE',
      'README.md',
      'docs/coming-from-python.md',
      'docs/design.md',
      'docs/guide.md',
      'docs/io.md',
      'docs/monkey-patching.md',
      'docs/structured-concurrency.md',
      'docs/sync.md',
      'docs/workers.md',
      'package.json',
    ]);
  });

  it('is well-formed', () => {
    execute(user, `npx --yes publint@0.3.25 --strict "${tarball}"`);
  });

  it('resolves to the right types', () => {
    execute(user, `npx --yes @arethetypeswrong/cli@0.18.5 --profile esm-only "${tarball}"`);
  });

  it('can be imported from JavaScript', () => {
    writeFileSync(join(user, 'program.js'), program);
    expectNames(execute(user, `${node} program.js`));
  });

  it('can be required from CommonJS', () => {
    const calls = entries.map(({ name }) => `console.log(Object.keys(require('${name}')).length);`);
    writeFileSync(join(user, 'program.cjs'), calls.join('\n'));
    expectNames(execute(user, `${node} program.cjs`));
  });

  it('can be imported from TypeScript', () => {
    const tsc = resolve('node_modules/typescript/bin/tsc');
    writeFileSync(join(user, 'program.ts'), program);
    execute(user, `${node} "${tsc}" --strict --module nodenext --types node --outDir out program.ts`);
    expectNames(execute(user, `${node} out/program.js`));
  });
});

function expectNames(printed: string): void {
  const counts = printed.trim().split('\n').map(Number);
  expect(counts).toHaveLength(entries.length);
  expect(Math.min(...counts)).toBeGreaterThan(0);
}

/** Runs a command in a folder and gives what it prints. */
function execute(folder: string, command: string): string {
  const { status, stdout, stderr } = spawnSync(command, { cwd: folder, encoding: 'utf8', shell: true });
  if (status !== 0) {
    throw new Error(`${command}\n${stdout}${stderr}`);
  }
  return stdout;
}

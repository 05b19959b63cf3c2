import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Installed, installGenlet } from './installed.ts';

let genlet: Installed;

beforeAll(() => {
  genlet = installGenlet();
  genlet.write('text', 'text');
  genlet.write(
    'program.mjs',
    `${body("import fs, { readFile } from 'node:fs';\nimport * as names from 'node:fs';\nimport { run } from 'genlet';")}`,
  );
  genlet.write(
    'program.cjs',
    `${body("const fs = require('fs'), names = fs, { readFile } = fs;\nconst { run } = require('genlet');")}`,
  );
}, 60_000);
afterAll(() => genlet.remove());

function body(imports: string): string {
  return `${imports}
run(function* () {
  const texts = [yield* readFile('text', 'utf8'), yield* fs.readFile('text', 'utf8'), yield* names.readFile('text', 'utf8')];
  yield* setTimeout(1);
  console.log(texts.join(), yield* Promise.resolve('promise'));
});
`;
}

it.each([
  ['--import', 'program.mjs'],
  ['--import', 'program.cjs'],
  ['--require', 'program.mjs'],
  ['--require', 'program.cjs'],
])('%s genlet/monkey/register patches before %s', (option, program) => {
  expect(genlet.node(option, 'genlet/monkey/register', program)).toMatchObject({
    status: 0,
    stdout: 'text,text,text promise\n',
    stderr: '',
  });
});

it.each([['--import'], ['--require']])('by %s, it reports what was patched', (option) => {
  const { stdout, stderr } = genlet.node(
    option,
    'genlet/monkey/register',
    '--eval',
    'require("genlet/monkey").report()',
  );
  expect(stderr).toBe('');
  expect(stdout).toMatch(/^patched by genlet in .*\/dist\/\n {2}child_process: /);
});

/** Node freezes before `--import` and after `--require`. */
it.each([
  ['--import', 'text no\n'],
  ['--require', 'text yes\n'],
])('%s works with frozen intrinsics, but for promises that are frozen already', (option, printed) => {
  const program = `
    const { run } = require('genlet');
    run(function* () {
      const text = yield* require('fs').readFile('text', 'utf8');
      yield* setTimeout(1);
      console.log(text, Promise.resolve()[Symbol.iterator] === undefined ? 'no' : 'yes');
    });`;
  const options = ['--frozen-intrinsics', '--no-warnings', option, 'genlet/monkey/register'];
  const { stdout, stderr } = genlet.node(...options, '--eval', program);
  expect([stdout, stderr]).toEqual([printed, '']);
});

it('loads neither the parser of HTTP nor TLS', () => {
  const { stdout } = genlet.node(
    '--require',
    'genlet/monkey/register',
    '--print',
    `process.moduleLoadList.filter((name) => /NativeModule (_http_\\w+|http2|tls|_tls_\\w+|http)$/.test(name)).join()`,
  );
  expect(stdout).toBe('\n');
});

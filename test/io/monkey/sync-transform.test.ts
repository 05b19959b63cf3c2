import { describe, expect, it } from 'vitest';
import { transform } from '../../../src/io/monkey/sync-transform.ts';

const CALL = '(yield* globalThis[Symbol.for("genlet.cooperative")](';
const body = (code: string) => `function* f() { ${code} }`;

describe('the rewriting of blocking calls', () => {
  it.each([
    ['const x = fs.readFileSync(a, "utf8")', `const x = ${CALL}fs,"readFileSync")(a, "utf8"))`],
    ['readFileSync(a)', `${CALL}readFileSync)(a))`],
    ['fs.writeSync(1, fs.readSync(2))', `${CALL}fs,"writeSync")(1, ${CALL}fs,"readSync")(2))))`],
    ['this.disk[0].readSync(...a)', `${CALL}this.disk[0],"readSync")(...a))`],
    ['Atomics.wait(a, 0, 1)', `${CALL}Atomics,"wait")(a, 0, 1))`],
    ['fs\n  .readSync(1)', `${CALL}fs\n  ,"readSync")(1))`],
    ['const x = y\n fs.readSync(1)', `const x = y\n ;${CALL}fs,"readSync")(1))`],
  ])('%s', (code, rewritten) => {
    expect(transform(body(code))).toEqual({ source: body(rewritten), missed: [] });
  });

  it('knows them under other names', () => {
    const heads = [
      "import { readFileSync as read } from 'node:fs';",
      "const { readFileSync: read } = require('fs');",
      'const read = fs.readFileSync;',
    ];
    for (const head of heads) {
      expect(transform(`${head} ${body('read(a)')}`)?.source).toBe(`${head} ${body(`${CALL}read)(a))`)}`);
    }
  });

  it('leaves the lines where they are', () => {
    const source = `${body('\n\n fs.readSync(\n1)')}\n`;
    expect(transform(source)!.source.split('\n')).toHaveLength(source.split('\n').length);
  });

  it('leaves everything else as it is', () => {
    for (const source of [
      'function f() { fs.readSync() }',
      body('fs.read()'),
      body('wait()'),
      body('condition.wait()'),
    ]) {
      expect(transform(source)).toBeUndefined();
    }
  });

  it('tells what it can’t do, and why', () => {
    const source = [
      'function* f() {',
      '  names.map((name) => fs.readFileSync(name));',
      '  fs?.readSync(1);',
      '  open().readSync(1);',
      "  fs['readSync'](1);",
      '}',
      'function* g() { yield 1; fs.readSync(2); }',
    ].join('\n');
    const { missed, source: same } = transform(source)!;
    expect(same).toBe(source);
    expect(missed.map(({ line, text, reason }) => [line, text, reason.split(' ').slice(0, 4).join(' ')])).toEqual([
      [2, 'fs.readFileSync', 'it stands in a'],
      [3, 'fs?.readSync', 'the function that is'],
      [4, '.readSync', 'the function that is'],
      [5, "fs['readSync']", 'the function that is'],
      [7, 'fs.readSync', 'the function has a'],
    ]);
  });
});

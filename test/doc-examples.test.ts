import { existsSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Snippet } from '../scripts/doc-examples.ts';
import {
  compileSnippets,
  expectedOutput,
  findEmptyExamples,
  findSnippets,
  runSnippet,
} from '../scripts/doc-examples.ts';
import { readPackage } from '../scripts/project.ts';

const snippets = findSnippets();
const programs = snippets.filter(({ language }) => language === 'ts' || language === 'js');
const commands = snippets.filter(({ name, language }) => name.startsWith('README.md') && language === 'sh');

describe.concurrent('programs', () => {
  let problems: Map<Snippet, string[]>;

  beforeAll(async () => {
    problems = await compileSnippets(programs);
  });

  it.each(programs.map((snippet) => [snippet.name, snippet] as const))(
    '%s',
    { timeout: 20_000 },
    async (name, snippet) => {
      expect(snippet.code, `${name} imports nothing: a reader could not run it`).toMatch(/^ *import /m);
      expect(problems.get(snippet), name).toEqual([]);
      if (snippet.info === 'no-run') {
        return;
      }
      const printed = await runSnippet(snippet);
      const expected = expectedOutput(snippet);
      if (expected.length > 0) {
        expect(printed, name).toEqual(expected);
      }
    },
  );
});

describe('commands of the README', () => {
  const { scripts } = readPackage();

  it.each(commands.map((snippet) => [snippet.name, snippet] as const))('%s', (_, snippet) => {
    for (const line of snippet.code.split('\n')) {
      const [, script, shortcut] = /\bnpm (?:run (\S+)|(start|test)\b)/.exec(line) ?? [];
      expect(scripts).toHaveProperty([script ?? shortcut ?? 'test']);
      // A path with a folder is one of ours; a bare file name is the reader's.
      const [, file] = /\b(?:node|tsx) (?:-\S+ )*([\w.-]+\/[\w./-]+)/.exec(line) ?? [];
      expect(existsSync(file ?? '.'), line).toBe(true);
    }
  });
});

it('has a code block for every @example', () => {
  expect(findEmptyExamples()).toEqual([]);
});

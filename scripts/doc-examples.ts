/**
 * The examples of the documentation: found, compiled and run.
 *
 * They are compiled together with the sources in one pass, since that is what takes long. Each is run by a process of
 * its own: that takes little, and whatever an example changes or leaves open ends with it.
 */
import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import ts from 'typescript';
import { mergeModules } from './merge-modules.ts';
import { copyPlainModules, listFiles, readCompilerConfig, readPackage } from './project.ts';

export interface Snippet {
  /** Its file and the line of its opening fence. */
  readonly name: string;
  readonly line: number;
  readonly language: string;
  /** What else stands behind the opening fence, such as `no-run`. */
  readonly info: string;
  readonly code: string;
}

interface Text {
  readonly file: string;
  /** The line of the file at which the text begins. */
  readonly line: number;
  readonly text: string;
}

const folder = resolve('.examples');
const output = resolve(folder, 'out');

/** The code blocks of README.md, docs/ and the doc comments of src/. */
export function findSnippets(): Snippet[] {
  const written = listFiles('docs', '.md').filter((file) => !file.startsWith('docs/api/')); // without what typedoc makes
  const pages = ['README.md', ...written].map((file) => ({
    file,
    line: 1,
    text: readFileSync(file, 'utf8'),
  }));
  return [...pages, ...docComments()].flatMap(codeBlocks);
}

/** The doc comments whose `@example` has no code block, so that nothing would run it. */
export function findEmptyExamples(): string[] {
  return docComments()
    .filter(({ text }) => text.split(/^@/m).some((tag) => tag.startsWith('example') && !tag.includes('```ts')))
    .map(({ file, line }) => `${file}:${line}`);
}

/** The doc comments of src/, without their frames of asterisks. */
function docComments(): Text[] {
  return listFiles('src', '.ts').flatMap((file) => {
    const source = readFileSync(file, 'utf8');
    return [...source.matchAll(/^[ \t]*\/\*\*[\s\S]*?\*\//gm)].map((match) => ({
      file,
      line: source.slice(0, match.index).split('\n').length,
      text: match[0].replace(/^[ \t]*(\/\*\*|\*(?!\/)) ?/gm, ''),
    }));
  });
}

function codeBlocks({ file, line, text }: Text): Snippet[] {
  return [...text.matchAll(/^( *)```(\w+)(.*)\n([\s\S]*?)^\1```$/gm)].map((match) => {
    const [, , language = '', info = '', code = ''] = match;
    const start = line + text.slice(0, match.index).split('\n').length - 1;
    return { name: `${file}:${start}`, line: start, language, info: info.trim(), code };
  });
}

/** Compiles all snippets and tells for each what is wrong with it. */
export async function compileSnippets(snippets: Snippet[]): Promise<Map<Snippet, string[]>> {
  rmSync(folder, { recursive: true, force: true });
  for (const snippet of snippets) {
    const path = sourcePath(snippet);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, snippet.code);
  }
  const { options } = readCompilerConfig('tsconfig.json');
  const entries = listFiles('src/workers', '-main.ts'); // of threads and processes: nobody imports them
  const program = ts.createProgram([...snippets.map(sourcePath), ...entries], {
    ...options,
    allowJs: true,
    noEmit: false,
    outDir: output,
    rootDir: resolve('.'),
  });
  program.emit();
  writeOutputPackage();
  copyPlainModules(relative('.', resolve(output, 'src')));
  await mergeModules(relative('.', resolve(output, 'src')));
  return new Map(snippets.map((snippet) => [snippet, findProblems(snippet, program)]));
}

/** Makes the output a package that exports the sources just compiled, since a compiled import still names `genlet`. */
function writeOutputPackage(): void {
  const { name, exports } = readPackage();
  const text = JSON.stringify({ name, type: 'module', exports }).replaceAll('./dist/', './src/');
  mkdirSync(output, { recursive: true });
  writeFileSync(resolve(output, 'package.json'), text);
}

function findProblems(snippet: Snippet, program: ts.Program): string[] {
  const file = program.getSourceFile(sourcePath(snippet));
  return [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)].map((diagnostic) => {
    const line = snippet.code.slice(0, diagnostic.start).split('\n').length + snippet.line;
    return `line ${line}: ${ts.flattenDiagnosticMessageText(diagnostic.messageText, '\n')}`;
  });
}

/** The lines that the `// =>` comments of a snippet promise. */
export function expectedOutput({ code }: Snippet): string[] {
  return [...code.matchAll(/\/\/ => ?(.*)$/gm)].map(([, text = '']) => text);
}

/** The lines that a compiled snippet prints. */
export function runSnippet(snippet: Snippet): Promise<string[]> {
  const source = sourcePath(snippet);
  const path = resolve(output, relative('.', source)).replace(/ts$/, 'js');
  const options = {
    cwd: dirname(source),
    timeout: 10_000,
    killSignal: 'SIGKILL' as const,
    env: { ...process.env, FORCE_COLOR: '0' },
  };
  return new Promise((done, fail) => {
    execFile(process.execPath, [path], options, (error, stdout, stderr) => {
      if (error) {
        const reason = error.killed ? 'did not end within 10 s' : `ended with code ${error.code}`;
        fail(new Error(`${snippet.name} ${reason}\n${stdout}${stderr}`));
      } else {
        done(stdout.replace(/\n$/, '').split('\n'));
      }
    });
  });
}

function sourcePath({ name, language }: Snippet): string {
  return resolve(folder, name.replace(/\W/g, '-'), `snippet.${language}`);
}

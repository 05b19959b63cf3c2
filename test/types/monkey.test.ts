import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import ts from 'typescript';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { callbackFunctions, generateTypes } from '../../scripts/monkey-types.ts';
import { readCompilerConfig } from '../../scripts/project.ts';

/** The versions of `@types/node` that are tested; the one that is installed here is the first. */
const versions = [readVersion('node_modules/@types/node') ?? '', '22.20.5', '24.19.2', '26.6.6'];

/** What newer versions know more of, with what is expected of an older version. */
const newer: Record<string, { since: number; code: string }> = {
  'fs.glob': { since: 22, code: "const found: string[] = yield* fs.glob('*')" },
  'fs.glob with a callback': {
    since: 22,
    code: "fs.glob('*', { withFileTypes: true }, (_, [entry]) => entry?.isFile())",
  },
  'fs.stat without an error': {
    since: 24,
    code: 'const stats: fs.Stats | undefined = yield* fs.stat(path, { throwIfNoEntry: false })',
  },
  'dns.resolve': { since: 22, code: "const [record] = yield* dns.resolve('host', 'TLSA'); record?.certUsage" },
  'dns.resolveTlsa': { since: 22, code: "const [record] = yield* dns.resolveTlsa('host'); record?.certUsage" },
  'zlib.zstdCompress': {
    since: 22,
    code: "const data: Buffer = yield* zlib.zstdCompress('text', { dictionary: bytes })",
  },
  'zlib.zstdDecompress': { since: 22, code: 'const data: Buffer = yield* zlib.zstdDecompress(bytes)' },
  'crypto.argon2': { since: 24, code: "const key: Buffer = yield* crypto.argon2('argon2id', argon2)" },
};

const scratch = mkdtempSync(join(tmpdir(), 'genlet-monkey-types-'));
const children = new Set<ChildProcess>();

afterAll(() => {
  for (const child of children) child.kill();
  rmSync(scratch, { recursive: true, force: true });
});

it('has the generated files as the script writes them', () => {
  for (const [path, text] of generateTypes()) expect(readFileSync(path, 'utf8'), path).toBe(text);
});

describe('the types of node: modules without callbacks', { timeout: 120_000 }, () => {
  const installed = new Map<string, string>();
  const compiled = new Map<string, Promise<string>>();

  beforeAll(async () => {
    for (const version of versions) {
      const folder = await install(version);
      if (folder !== undefined) installed.set(version, folder);
    }
    writeDeclarations();
    // Two at a time.
    let lanes = [Promise.resolve(''), Promise.resolve('')];
    for (const [version, folder] of installed) {
      const result = lanes[0]!.then(() => compile(version, folder));
      compiled.set(version, result);
      lanes = [lanes[1]!, result];
    }
  }, 120_000);

  it.for(versions)('fit @types/node %s', async (version, context) => {
    const result =
      compiled.get(version) ?? context.skip(`@types/node ${version} can't be had from the package registry`);
    expect(await result).toBe('');
  });

  it.for(versions)('know each function of @types/node %s that takes a callback', (version, context) => {
    const folder =
      installed.get(version) ?? context.skip(`@types/node ${version} can't be had from the package registry`);
    const known = callbackFunctions(installed.get(versions[0]!)!);
    const major = Number.parseInt(version, 10);
    const added = Object.entries(newer).filter(([, { since }]) => since <= major);
    const names = new Set(added.map(([name]) => name.split(' ')[0]!).filter((name) => !known.has(name)));
    const found = [...callbackFunctions(folder).keys()].filter((name) => !known.has(name));
    expect(found.sort()).toEqual([...names].filter((name) => !omitted.includes(name)).sort());
  });
});

/** Functions that the generator leaves out, so that it does not see them in newer versions either. */
const omitted = ['dns.resolve', 'fs.stat'];

/** A folder with a version of `@types/node`; undefined if it can't be had. Kept for the next time. */
async function install(version: string): Promise<string | undefined> {
  if (version === versions[0]) return resolve('node_modules/@types/node');
  const cache = resolve('node_modules/.cache/types-node', version);
  const folder = join(cache, 'node_modules/@types/node');
  if (readVersion(folder) !== version) {
    mkdirSync(cache, { recursive: true });
    writeFileSync(join(cache, 'package.json'), '{}');
    const options = ['--ignore-scripts', '--no-audit', '--no-fund', '--no-package-lock', '--fetch-retries=0'];
    await execute('npm', ['install', ...options, `@types/node@${version}`], cache);
  }
  return readVersion(folder) === version ? folder : undefined;
}

function readVersion(folder: string): string | undefined {
  const path = join(folder, 'package.json');
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')).version : undefined;
}

/** Writes what the package contains as `genlet` and `genlet/monkey`: declarations, as the build makes them. */
function writeDeclarations(): void {
  const { options } = readCompilerConfig('tsconfig.build.json');
  const entries = ['src/index.ts', 'src/io/monkey/index.ts', 'src/io/monkey/register.ts'];
  const outDir = join(scratch, 'genlet');
  const only = { emitDeclarationOnly: true, noCheck: true, declarationMap: false, sourceMap: false };
  ts.createProgram(entries, { ...options, ...only, outDir }).emit();
}

/** Compiles the program against a version; gives what the compiler says. */
async function compile(version: string, folder: string): Promise<string> {
  const place = join(scratch, version);
  // A program that is patched by an option of `node` imports no more than this, or names it in its tsconfig.json.
  const entry = version === versions[0] ? 'genlet/monkey/register' : 'genlet/monkey';
  mkdirSync(place);
  const program = readFileSync('test/types/monkey/program.ts', 'utf8');
  writeFileSync(join(place, 'program.ts'), program.replace('genlet/monkey', entry));
  writeFileSync(join(place, 'newer.ts'), describeNewer(Number.parseInt(version, 10), entry));
  writeFileSync(join(place, 'package.json'), '{ "type": "module" }');
  const config = {
    extends: resolve('tsconfig.json'),
    compilerOptions: {
      // The types of genlet themselves are to be checked.
      skipLibCheck: false,
      noUnusedLocals: false,
      typeRoots: [dirname(folder)],
      types: ['node'],
      paths: {
        genlet: [join(scratch, 'genlet/index.d.ts')],
        'genlet/monkey': [join(scratch, 'genlet/io/monkey/index.d.ts')],
        'genlet/monkey/register': [join(scratch, 'genlet/io/monkey/register.d.ts')],
      },
    },
    include: ['*.ts'],
  };
  writeFileSync(join(place, 'tsconfig.json'), JSON.stringify(config));
  return execute(process.execPath, [resolve('node_modules/typescript/bin/tsc'), '--project', '.'], place);
}

/** Calls of what came with newer versions: errors in the older ones. */
function describeNewer(major: number, entry: string): string {
  const calls = Object.values(newer).map(({ since, code }) => {
    const lines = since > major ? [`// @ts-expect-error came with ${since}`, `${code.split('; ')[0]};`] : [`${code};`];
    return `  {\n    ${lines.join('\n    ')}\n  }`;
  });
  return `import '${entry}';
import crypto from 'node:crypto';
import dns from 'node:dns';
import fs from 'node:fs';
import zlib from 'node:zlib';
import type { Coroutine } from 'genlet';

const path = '';
const bytes = Buffer.alloc(5);
const argon2 = { message: 'text', nonce: bytes, parallelism: 1, tagLength: 16, memory: 64, passes: 1 };

export function* newer(): Coroutine<void> {
${calls.join('\n')}
}
`;
}

function execute(command: string, args: readonly string[], cwd: string): Promise<string> {
  return new Promise((done) => {
    const child = spawn(command, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
    children.add(child);
    let printed = '';
    child.stdout.on('data', (data) => (printed += data));
    child.on('error', (error) => done(String(error)));
    child.on('close', () => {
      children.delete(child);
      done(printed);
    });
  });
}

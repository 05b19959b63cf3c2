/** What several scripts and tests need to know about this project. They all run in its root. */
import { copyFileSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import ts from 'typescript';

export interface EntryPoint {
  /** What an import names, such as `genlet/io`. */
  readonly name: string;
  /** Where it is made from, such as `src/io/index.ts`. */
  readonly source: string;
}

export interface Package {
  readonly name: string;
  readonly exports: Record<string, string | { types: string; default: string }>;
  readonly scripts: Record<string, string>;
}

export function readPackage(): Package {
  return JSON.parse(readFileSync('package.json', 'utf8'));
}

/** The modules that package.json exports. */
export function entryPoints(): EntryPoint[] {
  const { name, exports } = readPackage();
  return Object.entries(exports).flatMap(([path, target]) => {
    if (typeof target === 'string') {
      return [];
    }
    return { name: name + path.slice(1), source: target.default.replace('./dist/', 'src/').replace(/\.js$/, '.ts') };
  });
}

/** The paths of the files below a folder, with forward slashes, sorted. */
export function listFiles(folder: string, extension: string): string[] {
  const files = readdirSync(folder, { encoding: 'utf8', recursive: true });
  return files
    .filter((file) => file.endsWith(extension))
    .map((file) => `${folder}/${file.replaceAll('\\', '/')}`)
    .sort();
}

/** Copies the modules of src that are plain JavaScript, which the compiler doesn't emit. */
export function copyPlainModules(folder: string): void {
  for (const file of listFiles('src', '.mjs')) {
    const copy = file.replace(/^src/, folder);
    mkdirSync(dirname(copy), { recursive: true });
    copyFileSync(file, copy);
  }
}

export function readCompilerConfig(path: string): ts.ParsedCommandLine {
  const { config } = ts.readConfigFile(path, ts.sys.readFile);
  return ts.parseJsonConfigFileContent(config, ts.sys, process.cwd());
}

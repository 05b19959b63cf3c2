/**
 * genlet compiled, for what tests run in threads and processes of their own: hundreds of them, each of which would spend
 * most of a second on compiling the sources anew. The build is made before the tests.
 */
import { cpSync, existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Plugin } from 'vitest/config';
import type { TestProject } from 'vitest/node';
import { readPackage } from '../../scripts/project.ts';
import { compile } from './compile.ts';

const sources = ['src', 'test/support', 'test/workers', 'examples'];
/** What tests that use the build find there; the rest of it is for programs. */
const replaced = ['src', 'test/workers/fixtures'].map((folder) => `${resolve(folder)}/`);
/** Each run has its own, so that it never finds what is old. What is in node_modules is left to Node by vitest. */
const builds = resolve('node_modules/.cache/genlet-tests');
const build = join(builds, `${process.pid}-${Math.round(performance.timeOrigin)}`);

declare module 'vitest' {
  interface ProvidedContext {
    /** The folder of the build: in there `genlet` is what was compiled. */
    build: string;
  }
}

/** Of each project: the first one makes the build. */
export function setup(project: TestProject): void {
  if (!existsSync(build)) {
    removeAbandoned();
    makeBuild();
  }
  project.provide('build', build);
  project.onTestsRerun(makeBuild);
}

export function teardown(): void {
  rmSync(build, { recursive: true, force: true });
}

function makeBuild(): void {
  for (const source of sources) {
    compile(source, join(build, source));
    cpSync(source, join(build, source), { recursive: true, filter: (path) => !path.endsWith('.ts') });
  }
  const { name, exports } = readPackage();
  const text = JSON.stringify({ name, type: 'module', exports }).replaceAll('./dist/', './src/');
  writeFileSync(join(build, 'package.json'), text);
}

/** What runs that were killed have left. */
function removeAbandoned(): void {
  for (const name of existsSync(builds) ? readdirSync(builds) : []) {
    if (!isRunning(Number.parseInt(name, 10))) rmSync(join(builds, name), { recursive: true, force: true });
  }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** Has tests import from the build what they name as a source, so that they and their threads and processes share it. */
export function useBuild(): Plugin {
  return {
    name: 'genlet-built',
    enforce: 'pre',
    async resolveId(id, importer, options) {
      const resolved = await this.resolve(id, importer, options);
      return resolved && (builtFrom(resolved.id) ?? resolved);
    },
    transform(code, file) {
      const urls = /new URL\((['"])(\.[^'"]+)\1, import\.meta\.url\)/g;
      return code.replace(urls, (expression, _, path) => {
        const built = builtFrom(resolve(file, '..', path));
        return built === undefined ? expression : `new URL('${pathToFileURL(built)}')`;
      });
    },
  };
}

function builtFrom(source: string): string | undefined {
  if (!replaced.some((folder) => source.startsWith(folder))) return undefined;
  return source.replace(resolve('.'), build).replace(/\.ts$/, '.js');
}

/** genlet as it is when it is installed: compiled, in a `node_modules` of its own. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { compile } from '../../support/compile.ts';

export interface Installed {
  /** A folder in which `genlet` can be imported. */
  readonly folder: string;
  /** Runs Node in that folder. */
  node(...args: string[]): { status: number | null; stdout: string; stderr: string };
  /** Writes a program there. */
  write(file: string, text: string): void;
  remove(): void;
}

export function installGenlet(): Installed {
  const folder = mkdtempSync(join(tmpdir(), 'genlet-installed-'));
  const home = join(folder, 'node_modules/genlet');
  compile('src', join(home, 'dist'));
  copyFileSync('package.json', join(home, 'package.json'));
  symlinkSync(resolve('node_modules/undici'), join(folder, 'node_modules/undici'), 'dir');
  return {
    folder,
    node: (...args) => spawnSync(process.execPath, args, { cwd: folder, encoding: 'utf8' }),
    write: (file, text) => writeFileSync(join(folder, file), text),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

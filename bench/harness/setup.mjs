// What has to be there before the first round, and is made when it is missing: genlet compiled, the JavaScript peers installed,
// the Node versions asked for.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { benchFolder, cacheFolder, projectFolder } from './folders.mjs';

/** Compiles genlet when dist is missing or older than a source. */
export function buildGenlet() {
  const compiled = join(projectFolder, 'dist', 'index.js');
  if (existsSync(compiled) && statSync(compiled).mtimeMs >= newest(join(projectFolder, 'src'))) return;
  npm(projectFolder, 'run', 'build');
  if (!existsSync(compiled)) throw new Error('npm run build left no dist/index.js');
}

function newest(folder) {
  const files = readdirSync(folder, { recursive: true });
  return Math.max(0, ...files.map((file) => statSync(join(folder, file)).mtimeMs));
}

/** Installs the peers of bench/package.json when they are missing or not those of the lock file. */
export function installPeers() {
  const installed = join(benchFolder, 'node_modules', '.package-lock.json');
  const locked = join(benchFolder, 'package-lock.json');
  if (existsSync(installed) && statSync(installed).mtimeMs >= statSync(locked).mtimeMs) return;
  npm(benchFolder, 'ci', '--no-audit', '--no-fund');
}

/** The Node with this major version, `{ version, path }`: the running one, or one that npm brings into the cache. */
export function findNode(major) {
  const running = { version: process.version, path: process.execPath };
  if (majorOf(running.version) === major) return running;
  const folder = join(cacheFolder, `node-${major}`);
  const path = join(folder, 'node_modules', 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
  if (!existsSync(path)) {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'package.json'), '{ "private": true }\n');
    npm(folder, 'install', `node@${major}`, '--no-audit', '--no-fund');
  }
  return { version: spawnSync(path, ['--version'], { encoding: 'utf8' }).stdout.trim(), path };
}

export const majorOf = (version) => Number(/^v(\d+)/.exec(version)[1]);

function npm(folder, ...args) {
  console.error(`npm ${args.join(' ')}`);
  const { status } = spawnSync('npm', [...args, '--loglevel=error'], {
    cwd: folder,
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32',
  });
  if (status !== 0) throw new Error(`npm ${args.join(' ')} failed in ${folder}`);
}

/** Installs the dependencies when they are missing or older than package-lock.json, so that a fresh clone needs no set-up. */
import { spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

// npm writes this file at the end of every installation.
const installed = modified('node_modules/.package-lock.json');

if (installed === undefined || installed < modified('package-lock.json')) {
  console.log('Installing dependencies ...');
  const failure = npm('ci') && npm('install');
  if (failure) {
    console.error(failure);
    console.error('The dependencies could not be installed: npm needs its registry, or a filled cache.');
    process.exit(1);
  }
}

function modified(file) {
  return statSync(root + file, { throwIfNoEntry: false })?.mtimeMs;
}

/** What npm printed if it failed. */
function npm(command) {
  const result = spawnSync(`npm ${command} --include=dev --no-audit --no-fund --loglevel=error`, {
    cwd: root,
    encoding: 'utf8',
    shell: true,
  });
  return result.status === 0 ? '' : result.stdout + result.stderr || `npm ${command} failed`;
}

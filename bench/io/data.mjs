// Files to work on, in a folder of their own for each run of the suite. The suite's process names it; the processes of its cases
// find it in their environment, and fill it when they are the first to want something.
import { spawn } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

if (process.env.BENCH_IO_FOLDER === undefined) {
  const made = mkdtempSync(join(tmpdir(), 'genlet-bench-'));
  process.env.BENCH_IO_FOLDER = made;
  removeAtTheEnd(made);
}
const folder = process.env.BENCH_IO_FOLDER;

/** By a process that sees its input end: the suite's process waits for its cases without an event loop, and may be killed. */
function removeAtTheEnd(path) {
  const program =
    "process.stdin.resume().on('end', () => fs.rmSync(process.argv[1], { recursive: true, force: true }))";
  const remover = spawn(process.execPath, ['-e', program, path], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  remover.unref();
  remover.stdin.unref();
}

export const scratchFile = (name) => join(folder, name);

/** What `make` writes to the path that it is given, under its name only when it is complete. */
function once(name, make) {
  const path = scratchFile(name);
  if (existsSync(path)) return path;
  const unfinished = `${path}.part`;
  rmSync(unfinished, { recursive: true, force: true });
  make(unfinished);
  renameSync(unfinished, path);
  return path;
}

/** The paths of `count` files of `bytes` bytes each. */
export function smallFiles(count, bytes) {
  const names = Array.from({ length: count }, (_, index) => `${index}.txt`);
  const path = once(`small-${count}-${bytes}`, (unfinished) => {
    mkdirSync(unfinished);
    for (const name of names) writeFileSync(join(unfinished, name), 'x'.repeat(bytes));
  });
  return names.map((name) => join(path, name));
}

export const bigFile = (bytes) => once(`big-${bytes}`, (path) => repeat(path, Buffer.alloc(2 ** 20, 'big'), bytes));

/** A file of about `bytes` bytes; the lines have 20 to 99 bytes, their ends not counted. */
export const linesFile = (bytes) => once(`lines-${bytes}`, (path) => repeat(path, Buffer.from(manyLines()), bytes));

const manyLines = () =>
  Array.from({ length: 16_000 }, (_, index) => `${'x'.repeat(20 + ((index * 31) % 80))}\n`).join('');

function repeat(path, piece, bytes) {
  const file = openSync(path, 'w');
  for (let written = 0; written + piece.length <= bytes; written += piece.length) writeSync(file, piece);
  closeSync(file);
}

// Peers that are not JavaScript. A table declares them by `go(…)` and `python(…)`; whether the machine has what they need is found
// out once, before the first round, and a peer that cannot run is shown as absent.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { benchFolder, cacheFolder } from './folders.mjs';

/** A case of the Go program in `folder` (relative to bench/), always on one processor: genlet has only one. */
export const go = (folder, ...args) => ({
  language: 'go',
  source: folder,
  args: args.map(String),
  env: { GOMAXPROCS: '1' },
});

/** A case of a Python script (relative to bench/), run by a Python that has gevent. */
export const python = (script, ...args) => pythonWith('gevent', script, ...args);

/** A case of a Python script (relative to bench/), run by a Python that has `module`. */
export const pythonWith = (module, script, ...args) => ({
  language: 'python',
  module,
  source: script,
  args: args.map(String),
  env: {},
});

/** The command line of a foreign case, or `{ absent: reason }`. */
export function commandOf({ language, module, source, args, env }) {
  const program = language === 'go' ? goProgram(source) : pythonScript(source, module);
  return program.absent ? program : { command: [...program.command, ...args], env };
}

const known = new Map();
const once = (key, find) => known.get(key) ?? known.set(key, find()).get(key);

function goProgram(folder) {
  return once(folder, () => {
    if (!canRun('go', 'version')) return { absent: 'no Go' };
    const source = join(benchFolder, folder);
    const binary = join(cacheFolder, 'go', folder.replaceAll('/', '-'));
    const isFresh = existsSync(binary) && statSync(binary).mtimeMs > statSync(join(source, 'main.go')).mtimeMs;
    if (!isFresh) {
      mkdirSync(join(cacheFolder, 'go'), { recursive: true });
      const build = spawnSync('go', ['build', '-o', binary, '.'], { cwd: source, encoding: 'utf8' });
      if (build.status !== 0) throw new Error(`go build in ${folder} failed:\n${build.stderr}`);
    }
    return { command: [binary] };
  });
}

function pythonScript(script, module) {
  const interpreter = pythonInterpreter(module);
  return interpreter === 'none'
    ? { absent: `no Python with ${module}` }
    : { command: [interpreter, join(benchFolder, script)] };
}

const pythonInterpreter = (module) =>
  once(module, () => pythonCandidates().find((python) => canRun(python, '-c', `import ${module}`)) ?? 'none');

/** $PYTHON if set, else every python3 on the path: the first is not always the one that the system's gevent belongs to. */
function pythonCandidates() {
  if (process.env.PYTHON) return [process.env.PYTHON];
  return process.env.PATH.split(delimiter)
    .map((folder) => join(folder, 'python3'))
    .filter(existsSync);
}

/** What a foreign peer ran on, for the head of the results. */
export function versionOf(language) {
  if (language === 'go') return canRun('go', 'version') ? output('go', 'version').replace('go version ', '') : 'absent';
  const interpreter = pythonInterpreter('gevent');
  if (interpreter === 'none') return 'absent';
  return output(
    interpreter,
    '-c',
    'import sys, gevent, greenlet; print(sys.version.split()[0], "gevent", gevent.__version__, "greenlet", greenlet.__version__)',
  );
}

const canRun = (program, ...args) => spawnSync(program, args).status === 0;
const output = (program, ...args) => spawnSync(program, args, { encoding: 'utf8' }).stdout.trim();

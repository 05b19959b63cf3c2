/**
 * Puts the compiled modules of sync into one file, those of io into one, and those of workers into a few: loading a hundred small files
 * costs a program, and each worker thread, 60 ms, and leaves so much behind in V8's young generation that its collector lets garbage
 * pile up from then on. What finds other files by `import.meta.url` (monkey) stays as it was, but for what it imports; and so does core,
 * whose hot calls V8 compiles best as they are.
 */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, posix, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { rolldown, type SourceDescription } from 'rolldown';
import { listFiles } from './project.ts';

/** Modules of workers that are imported by their URL, or with which programs, threads and processes begin. */
const firsts = [
  'index',
  'executors/run-chunk',
  'manager/serve-manager',
  'process/child-main',
  'remote/thread-main',
  'serve/member-main',
];

/** In the folder `dist`, into which the compiler has put everything. */
export async function mergeModules(dist: string): Promise<void> {
  for (const folder of ['sync', 'io']) await merge(dist, `${dist}/${folder}`);
  await mergeWorkers(`${dist}/workers`);
}

async function merge(dist: string, folder: string): Promise<void> {
  const files = listFiles(folder, '.js').filter((file) => dirname(file) === folder && basename(file) !== 'index.js');
  const names = new Map<string, string[]>();
  for (const file of files) names.set(file, Object.keys(await import(pathToFileURL(file).href)));

  const all = [...names].flatMap(([file, exported]) => [
    `export { ${exported.map((name) => `${name} as ${qualified(name, file)}`)} } from './${basename(file)}';`,
    `export * as ${qualified('all', file)} from './${basename(file)}';`,
  ]);
  const entry = `${folder}/all.js`;
  writeFileSync(entry, all.join('\n'));
  const bundle = await rolldown({
    input: resolve(entry),
    external: (id, from) => from !== undefined && dirname(resolve(dirname(from), id)) !== resolve(folder),
    platform: 'node',
    treeshake: false,
    plugins: [{ name: 'source-maps', load: withSourceMap }],
  });
  await bundle.write({ file: `${folder}/modules.js`, sourcemap: true, comments: false });

  for (const file of [entry, ...files]) {
    rmSync(file);
    rmSync(`${file}.map`, { force: true });
  }
  for (const file of listFiles(dist, '.js')) redirect(file, `${folder}/modules.js`, names);
}

/**
 * What several of the first modules of workers need gets into files in the folder itself, where `module-url.ts` belongs, and what a
 * thread doesn't need is not in those that it loads.
 */
async function mergeWorkers(workers: string): Promise<void> {
  const files = listFiles(workers, '.js');
  const bundle = await rolldown({
    input: Object.fromEntries(firsts.map((first) => [first, resolve(workers, `${first}.js`)])),
    external: (id, from) => from !== undefined && !resolve(dirname(from), id).startsWith(resolve(workers)),
    platform: 'node',
    treeshake: true,
    plugins: [{ name: 'source-maps', load: withSourceMap }],
  });
  const { output } = await bundle.write({
    dir: workers,
    sourcemap: true,
    comments: false,
    chunkFileNames: 'modules-[hash].js',
  });
  const made = new Set(output.map(({ fileName }) => `${workers}/${fileName}`));
  for (const file of files) {
    if (made.has(file)) continue;
    rmSync(file);
    rmSync(`${file}.map`, { force: true });
  }
}

/** The name under which the merged file exports what `file` exported: two may have used the same. */
function qualified(name: string, file: string): string {
  return `${basename(file, '.js').replaceAll('-', '_')}$${name}`;
}

/** Has a file import from the merged one what it imported from those that are in there. */
function redirect(file: string, target: string, names: Map<string, string[]>): void {
  const text = readFileSync(file, 'utf8');
  const path = posix.relative(dirname(file), target);
  const from = `from '${path.startsWith('.') ? '' : './'}${path}'`;
  const statements = /^(import|export) (?:\{([^}]*)\}|\*( as \S+)?) from ['"](\.[^'"]+)['"]/gm;
  const redirected = text.replace(statements, (statement, verb, list, namespace, id) => {
    const source = posix.join(dirname(file), id);
    const exported = names.get(source);
    if (exported === undefined) return statement;
    if (namespace !== undefined) return `${verb} { ${qualified('all', source)}${namespace} } ${from}`;
    const taken: string[] = list?.split(',').map((name: string) => name.trim()) ?? exported;
    const renamed = taken.filter(Boolean).map((name) => {
      const [theirs = name, ours = name] = name.split(' as ');
      return `${qualified(theirs, source)} as ${ours}`;
    });
    return `${verb} { ${renamed.join(', ')} } ${from}`;
  });
  if (redirected !== text) writeFileSync(file, redirected);
}

/** With the compiler's map, so that the merged file's leads to the sources; no module is left out because nothing of it is named. */
function withSourceMap(file: string): SourceDescription | undefined {
  return existsSync(`${file}.map`)
    ? { code: readFileSync(file, 'utf8'), map: readFileSync(`${file}.map`, 'utf8'), moduleSideEffects: true }
    : undefined;
}

/**
 * Puts the compiled modules of sync into one file, and those of io: loading a hundred small files costs a program 60 ms, and leaves so
 * much behind in V8's young generation that its collector lets garbage pile up from then on. What finds other files by `import.meta.url`
 * (monkey, workers) stays as it was, but for what it imports; and so does core, whose hot calls V8 compiles best as they are.
 */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, posix, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { rolldown } from 'rolldown';
import { listFiles } from './project.ts';

const merged = ['dist/sync', 'dist/io'];

export async function mergeModules(): Promise<void> {
  for (const folder of merged) await merge(folder);
}

async function merge(folder: string): Promise<void> {
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
    input: entry,
    external: (id, from) => from !== undefined && dirname(resolve(dirname(from), id)) !== resolve(folder),
    platform: 'node',
    treeshake: false,
    plugins: [{ name: 'source-maps', load: withSourceMap }],
  });
  await bundle.write({ file: `${folder}/modules.js`, sourcemap: true });

  for (const file of [entry, ...files]) {
    rmSync(file);
    rmSync(`${file}.map`, { force: true });
  }
  for (const file of listFiles('dist', '.js')) redirect(file, `${folder}/modules.js`, names);
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

/** The compiler's map, so that the merged file's leads to the sources. */
function withSourceMap(file: string): { code: string; map: string } | undefined {
  return existsSync(`${file}.map`)
    ? { code: readFileSync(file, 'utf8'), map: readFileSync(`${file}.map`, 'utf8') }
    : undefined;
}

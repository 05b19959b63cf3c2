/**
 * Puts the compiled modules of sync into one file, and those of io: loading a hundred small files costs a program 60 ms, and leaves so
 * much behind in V8's young generation that its collector lets garbage pile up from then on. Whatever finds other files by
 * `import.meta.url` stays where it was, and so does core, whose hot calls V8 compiles best as they are.
 */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { resolve } from 'node:path';
import { rolldown } from 'rolldown';
import { listFiles } from './project.ts';

const folder = resolve('dist');

/** One file is made of each. */
const merged = [
  { name: 'sync/modules', test: /\/dist\/sync\// },
  { name: 'io/modules', test: /\/dist\/io\/[^/]+$/ },
];

export async function mergeModules(): Promise<void> {
  const files = listFiles('dist', '.js')
    .map((file) => resolve(file))
    .filter((file) => !file.includes('/core/'));
  const entries = files.filter((file) => file.endsWith('/index.js') || !merged.some(({ test }) => test.test(file)));

  const bundle = await rolldown({
    input: Object.fromEntries(entries.map((file) => [file.slice(folder.length + 1, -'.js'.length), file])),
    external: /^node:|^undici$|\/core\//,
    platform: 'node',
    preserveEntrySignatures: 'strict',
    treeshake: false,
    plugins: [{ name: 'source-maps', load: withSourceMap }],
  });
  await bundle.write({
    dir: folder,
    sourcemap: true,
    minifyInternalExports: false,
    entryFileNames: '[name].js',
    chunkFileNames: '[name].js',
    codeSplitting: { groups: merged },
  });

  for (const file of files.filter((file) => !entries.includes(file))) {
    rmSync(file);
    rmSync(`${file}.map`);
  }
}

/** The compiler's map, so that the merged file's leads to the sources. */
function withSourceMap(file: string): { code: string; map: string } | undefined {
  return existsSync(`${file}.map`)
    ? { code: readFileSync(file, 'utf8'), map: readFileSync(`${file}.map`, 'utf8') }
    : undefined;
}

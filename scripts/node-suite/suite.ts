/** The files of Node's own tests, and what each asks of whoever runs it. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface TestFile {
  /** Below `test`, such as `parallel/test-fs-open.js`. */
  readonly path: string;
  /** Whether others may run meanwhile. */
  readonly parallel: boolean;
}

/** What the names of the files of an area begin with, after `test-`. */
const areas: Readonly<Record<string, RegExp>> = {
  fs: /^fs\b/,
  net: /^net\b/,
  timers: /^timers?\b/,
  dns: /^dns\b/,
  dgram: /^dgram\b/,
  child_process: /^child-process\b/,
  http: /^http\b/,
  https: /^https\b/,
  http2: /^http2\b/,
  tls: /^tls\b/,
  zlib: /^zlib\b/,
  crypto: /^crypto\b/,
  stream: /^(web)?streams?\d?\b/,
  readline: /^readline\b/,
  promises: /^promises?\b/,
  worker: /^worker\b/,
  'async-hooks': /^async-(hooks|local-storage|wrap)\b/,
};

export const areaNames: readonly string[] = Object.keys(areas);

/** Whether a folder is one that holds `test`. */
export function isSuite(folder: string | undefined): folder is string {
  return folder !== undefined && existsSync(join(folder, 'test/parallel'));
}

/** Tells which files are meant, by their paths. */
export function selector(names: readonly string[], match: RegExp): (path: string) => boolean {
  const patterns = names.map((name) => {
    const pattern = areas[name];
    if (pattern === undefined) throw new Error(`--areas has ${name}: give some of ${areaNames.join()}`);
    return pattern;
  });
  return (path) => {
    const name = /^(?:parallel|sequential)\/test-(.*)\.m?js$/.exec(path)?.[1];
    return name !== undefined && patterns.some((pattern) => pattern.test(name)) && match.test(path);
  };
}

export function listTests(suite: string, isSelected: (path: string) => boolean): TestFile[] {
  return ['parallel', 'sequential'].flatMap((folder) => {
    const paths = readdirSync(join(suite, 'test', folder)).map((name) => `${folder}/${name}`);
    return paths
      .filter(isSelected)
      .sort()
      .map((path) => ({ path, parallel: folder === 'parallel' }));
  });
}

/** The options and the environment that a file asks for in its comments, as the runner of Node's project obeys them. */
export function directives(source: string): { flags: string[]; env: Record<string, string> } {
  const words = (kind: string) =>
    [...source.matchAll(new RegExp(`^// ${kind}:(.*)$`, 'gm'))].flatMap(([, text]) =>
      text!.split(/\s+/).filter(Boolean),
    );
  const env = words('Env').map((word): [string, string] => {
    const [name, ...value] = word.split('=');
    return [name!, value.join('=')];
  });
  return { flags: words('Flags'), env: Object.fromEntries(env) };
}

export function directivesOf(suite: string, { path }: TestFile): ReturnType<typeof directives> {
  return directives(readFileSync(join(suite, 'test', path), 'utf8'));
}

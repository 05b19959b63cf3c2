/** Where the modules are that threads and processes load by their URL. The build moves this file within this folder only. */
const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';

/** The first file of every thread and process. @internal */
export const bootstrap: URL = new URL('./bootstrap.mjs', import.meta.url);

/** The URL of a module, given by its path in this folder without its extension. @internal */
export function moduleUrl(path: string): string {
  return new URL(`./${path}.${extension}`, import.meta.url).href;
}

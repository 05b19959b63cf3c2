/**
 * The first file of every worker thread and process: plain JavaScript, since Node 20 can't begin with TypeScript. It loads
 * the entry that `workerData.genletEntry` or the environment's GENLET_ENTRY names, with tsx's hooks if that is TypeScript.
 */
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { workerData } from 'node:worker_threads';

const entry = workerData?.genletEntry ?? process.env.GENLET_ENTRY;
delete process.env.GENLET_ENTRY; // not for this one's own children
if (entry === undefined) throw new Error('bootstrap.mjs was started without an entry: it is for genlet itself');

if (/\.[mc]?tsx?$/.test(new URL(entry).pathname)) {
  const tsx = createRequire(entry)
    .resolve('tsx/esm/api')
    .replace(/\.cjs$/, '.mjs'); // what import would find
  const { register } = await import(pathToFileURL(tsx).href);
  register();
  globalThis[Symbol.for('genlet.tsx')] = true;
}
await import(entry);

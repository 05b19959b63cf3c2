// Many small files, some of them at a time.
import { go, python } from '../harness/programs.mjs';
import { smallFiles } from './data.mjs';
import { byTimeAndCpu, microseconds, speedOf } from './measure.mjs';

const count = 10_000;
const bytes = 1024;
const atATime = 64;

/** `prepare` gives a function that reads all the files once, and tells how many bytes they have. */
function reading(what, prepare) {
  return async () => {
    const paths = smallFiles(count, bytes);
    const readAll = await prepare();
    const pass = async () => {
      const total = await readAll(paths);
      if (total !== count * bytes) throw new Error(`read ${total} bytes`);
    };
    return { operations: count, timedPass: () => microseconds(what, pass) };
  };
}

const sum = (buffers) => buffers.reduce((total, { length }) => total + length, 0);

function table(what) {
  return {
    title: `Reading ${count.toLocaleString('en-US')} small files, ${atATime} at a time: ${what}`,
    about: `Each has ${bytes} bytes; all are in the system's cache.`,
    unit: `us of ${what} per file`,
    cases: {
      genlet: reading(what, async () => {
        const { Pool, run } = await import('../genlet.mjs');
        const { fs } = await import('../../dist/io/index.js');
        return (paths) =>
          run(function* () {
            return sum(yield* new Pool(atATime).map((path) => fs.readFile(path), paths));
          });
      }),
      'fs/promises, p-limit': reading(what, async () => {
        const { readFile } = await import('node:fs/promises');
        const { default: pLimit } = await import('p-limit');
        return async (paths) => sum(await pLimit(atATime).map(paths, (path) => readFile(path)));
      }),
      'fs callbacks, a counter': reading(what, async () => {
        const { readFile } = await import('node:fs');
        return (paths) =>
          new Promise((resolve, reject) => {
            let [begun, done, total] = [0, 0, 0];
            const next = () => {
              if (begun < paths.length) readFile(paths[begun++], settle);
            };
            const settle = (error, data) => {
              if (error) return reject(error);
              total += data.length;
              if (++done === paths.length) resolve(total);
              else next();
            };
            for (let index = 0; index < atATime; index++) next();
          });
      }),
      'gevent, FileObjectThread and Pool': python('io/peers/transfer.py', 'small_files', what, count, bytes, atATime),
      'Go, goroutines': go('io/peers/transfer', 'small-files', what, count, bytes, atATime),
    },
    bars: [speedOf(0.95, 'fs/promises, p-limit')],
  };
}

export default byTimeAndCpu(table);

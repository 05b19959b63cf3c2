// A GiB from one place to another, through a buffer of the process.
import { createReadStream, createWriteStream, rmSync } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { go, python } from '../harness/programs.mjs';
import { bigFile, scratchFile } from './data.mjs';
import { byTimeAndCpu, microseconds, speedOf } from './measure.mjs';

const bytes = 2 ** 30;

/** `prepare` gives a function that copies from one path to another. */
function copying(what, prepare) {
  return async () => {
    const source = bigFile(bytes);
    const target = scratchFile('copy');
    const copy = await prepare();
    let figure = Infinity;
    for (let pass = 0; pass < 3; pass++) {
      figure = Math.min(figure, await microseconds(what, () => copy(source, target)));
      rmSync(target);
    }
    return figure / 1000;
  };
}

const streams = (chunk) => async () => (source, target) =>
  pipeline(createReadStream(source, chunk), createWriteStream(target, chunk));

function table(what) {
  return {
    title: `Copying 1 GiB from file to file: ${what}`,
    about: `\`pipe()\` between two \`File\`s. Source and copy stay in the system's cache, as far as it can hold them. The best of three.`,
    unit: `ms of ${what}`,
    cases: {
      genlet: copying(what, async () => {
        const { run } = await import('../genlet.mjs');
        const { open, pipe } = await import('../../dist/io/index.js');
        return (source, target) =>
          run(function* () {
            const [reader, writer] = [yield* open(source), yield* open(target, 'w')];
            yield* pipe(reader, writer);
          });
      }),
      'stream.pipeline': copying(what, streams({})),
      'stream.pipeline, pieces of 256 KiB': copying(what, streams({ highWaterMark: 262_144 })),
      'gevent, FileObjectThread': python('io/peers/transfer.py', 'copy', what, bytes),
      'Go, io.Copy': go('io/peers/transfer', 'copy', what, bytes),
    },
    bars: [speedOf(0.95, 'stream.pipeline'), speedOf(0.95, 'stream.pipeline, pieces of 256 KiB')],
  };
}

export default byTimeAndCpu(table);

// The lines of a big text, one after the other.
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { go, python } from '../harness/programs.mjs';
import { linesFile } from './data.mjs';
import { byTimeAndCpu, microseconds } from './measure.mjs';

const bytes = 500_000_000;

/** `count` gives the number of lines and of their characters, so that no peer gets away without making the strings. */
function reading(what, prepare) {
  return async () => {
    const path = linesFile(bytes);
    const count = await prepare();
    let result;
    const figure = await microseconds(what, async () => {
      result = await count(path);
    });
    if (result.lines + result.characters < bytes * 0.99) throw new Error(`read ${JSON.stringify(result)}`);
    return (figure * 1000) / result.lines;
  };
}

const node = (path) => createInterface({ input: createReadStream(path), crlfDelay: Number.POSITIVE_INFINITY });

const inGenlet = (count) => async () => {
  const { run } = await import('../genlet.mjs');
  const io = await import('../../dist/io/index.js');
  return (path) => run(() => count(io, path));
};

function table(what) {
  return {
    title: `The lines of a file of 500 MB: ${what}`,
    about: '"genlet" iterates `File.lines()`. Each line becomes a string of its own; they have 20 to 99 characters.',
    unit: `ns of ${what} per line`,
    cases: {
      genlet: reading(
        what,
        inGenlet(function* ({ open }, path) {
          let [lines, characters] = [0, 0];
          const iteration = (yield* open(path)).lines();
          for (let line; !(line = yield* iteration.next()).done; ) {
            lines++;
            characters += line.value.length;
          }
          return { lines, characters };
        }),
      ),
      'genlet, File.readline': reading(
        what,
        inGenlet(function* ({ open }, path) {
          let [lines, characters] = [0, 0];
          const file = yield* open(path);
          for (let line; (line = yield* file.readline()) !== undefined; ) {
            lines++;
            characters += line.length;
          }
          return { lines, characters };
        }),
      ),
      'genlet, Reader.lines over a stream': reading(
        what,
        inGenlet(function* ({ Reader }, path) {
          let [lines, characters] = [0, 0];
          const iteration = new Reader(createReadStream(path)).lines();
          for (let line; !(line = yield* iteration.next()).done; ) {
            lines++;
            characters += line.value.length;
          }
          return { lines, characters };
        }),
      ),
      'readline, for await': reading(what, async () => async (path) => {
        let [lines, characters] = [0, 0];
        for await (const line of node(path)) {
          lines++;
          characters += line.length;
        }
        return { lines, characters };
      }),
      'readline, line events': reading(what, async () => async (path) => {
        let [lines, characters] = [0, 0];
        const count = (line) => {
          lines++;
          characters += line.length;
        };
        await new Promise((resolve) => node(path).on('line', count).on('close', resolve));
        return { lines, characters };
      }),
      'gevent, FileObjectThread (50,000 lines)': python('io/peers/transfer.py', 'lines', what, bytes, 50_000),
      'Python, open()': python('io/peers/transfer.py', 'plain_lines', what, bytes),
      'Go, bufio.Scanner': go('io/peers/transfer', 'lines', what, bytes),
    },
    bars: [{ against: 'readline, for await', faster: 2 }],
  };
}

export default byTimeAndCpu(table);

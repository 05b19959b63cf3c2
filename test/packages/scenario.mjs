/**
 * Runs one of the programs beside it: `node scenario.mjs express plain`, or with genlet's patch preloaded `patched` or
 * `greenlets`. What it prints is to be the same in every way.
 *
 * A program is a generator function that waits by `yield* wait(promise)` and begins others by `start(function* () {…})`,
 * which gives a promise. Here it runs as async functions do, all of it in ordinary code, or else in greenlets, where each
 * of its calls of a package is one from inside a greenlet and `yield*` waits for the promise itself.
 */
import assert from 'node:assert/strict';

const [program, mode] = process.argv.slice(2);
assert.equal(Symbol.iterator in Promise.prototype, mode !== 'plain', 'the patch is on where it should be');

const { run, start, wait } = mode === 'greenlets' ? await inGreenlets() : inOrdinaryCode();
const { default: main } = await import(`./${program}.mjs`);
const say = (...what) => console.log(...what.map((one) => (typeof one === 'string' ? one : JSON.stringify(one))));
await run(() => main({ say, start, wait }));

function inOrdinaryCode() {
  async function start(fn, ...args) {
    const frames = fn(...args);
    let step = frames.next();
    while (!step.done) {
      const outcome = await step.value.then(
        (value) => ({ value }),
        (error) => ({ error }),
      );
      step = 'error' in outcome ? frames.throw(outcome.error) : frames.next(outcome.value);
    }
    return step.value;
  }
  function* wait(promise) {
    return yield promise;
  }
  return { run: start, start, wait };
}

async function inGreenlets() {
  const { run, spawn } = await import('genlet');
  return { run, start: (fn, ...args) => spawn(fn, ...args).toPromise(), wait: (promise) => promise };
}

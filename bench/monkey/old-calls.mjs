// What a patched function costs those who call it with a callback, as ever.
import fs from 'node:fs';

const noop = () => {};

function table(title, about, operations, call, bars = []) {
  const measured = () => ({
    operations,
    pass: async () => {
      for (let left = operations; left > 0; left--) call();
    },
  });
  const cases = {
    unpatched: measured,
    async patched() {
      const { patchAll } = await import('../../dist/io/monkey/index.js');
      patchAll();
      return measured();
    },
  };
  return { title, about, unit: 'ns per call', base: 'unpatched', cases, bars };
}

// It costs nothing itself, so that the wrapper is what is measured.
fs.stat = (_path, _options, _callback) => {};
const nothing = () => fs.stat('x', undefined, noop);
const timer = () => clearTimeout(setTimeout(noop, 1000));

export default [
  table('A function that does nothing', 'Called with its callback, outside greenlets.', 1_000_000, nothing, [
    { of: 'patched', moreThan: 'unpatched', atMost: 50 },
  ]),
  table('setTimeout and clearTimeout', 'A real one, for comparison: the pair of calls.', 50_000, timer),
];

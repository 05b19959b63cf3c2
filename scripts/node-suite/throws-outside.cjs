/**
 * Preloaded in the place of inside.cjs: as that one, but calls made in `assert.throws` count as outside, so that a missing
 * callback is refused there.
 */
const assert = require('node:assert');

const { patches } = globalThis[Symbol.for('genlet.monkey')];
const { throws } = assert;
let depth = 0;

const hub = {
  get current() {
    return depth > 0 ? undefined : 'a greenlet';
  },
};
for (const { parts } of patches) for (const part of parts) part.hub = hub;

for (const strictness of [assert, assert.strict]) {
  strictness.throws = (call, ...rest) =>
    throws(
      () => {
        depth++;
        try {
          return call();
        } finally {
          depth--;
        }
      },
      ...rest,
    );
}

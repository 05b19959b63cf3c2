// Does a switch cost more the deeper the coroutine that makes it is nested? Natively each resume walks through every `yield*`.

/** Two greenlets in turn, each `depth` calls deep, of which only the innermost switches. */
async function nested(depth, { isMarked, switches }) {
  const { coroutine, joinall, run, sleep, spawn } = await import('../genlet.mjs');
  const descend = function* (levels) {
    if (levels > 1) return yield* inner(levels - 1);
    for (let turn = 0; turn < switches; turn++) yield* sleep(0);
    return levels;
  };
  const inner = isMarked ? coroutine(descend) : descend;
  function* pass() {
    yield* joinall([spawn(descend, depth), spawn(descend, depth)]);
  }
  return { operations: 2 * switches, pass: () => run(pass) };
}

/** So many that the calls down to the innermost and back, some 0.6 us a level, do not count. */
const marked = (depth) => nested(depth, { isMarked: true, switches: 200_000 });
const plain = (depth) => nested(depth, { isMarked: false, switches: 20_000 / depth });

export default {
  title: 'A switch at depth',
  about:
    'With `coroutine()` the frames are kept by the driver, so that a resume goes straight to the innermost; plain `yield*` for comparison.',
  unit: 'ns per switch',
  base: 'genlet, depth 1',
  cases: {
    'genlet, depth 1': () => marked(1),
    'genlet, depth 10': () => marked(10),
    'genlet, depth 100': () => marked(100),
    'genlet, depth 1,000': () => marked(1000),
    'plain yield*, depth 10': () => plain(10),
    'plain yield*, depth 100': () => plain(100),
    'plain yield*, depth 1,000': () => plain(1000),
  },
  bars: ['genlet, depth 10', 'genlet, depth 100', 'genlet, depth 1,000'].map((of) => ({
    of,
    against: 'genlet, depth 1',
    atMost: 1.2,
  })),
};

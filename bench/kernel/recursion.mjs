// How deep a coroutine may call itself. genlet is asked for a million frames and either has them or not; for the others the
// limit is searched for.
const target = 1_000_000;

/** The deepest recursion that comes back with the right result, to within one in a hundred. */
async function deepest(descend) {
  const works = async (depth) => (await descend(depth).catch(() => 0)) === depth;
  if (await works(target)) return target;
  let possible = 1;
  let impossible = target;
  while (impossible - possible > possible / 100) {
    const middle = Math.floor((possible + impossible) / 2);
    if (await works(middle)) possible = middle;
    else impossible = middle;
  }
  return possible;
}

async function recursion(isMarked) {
  const { coroutine, run, sleep } = await import('../genlet.mjs');
  const descend = function* (levels) {
    if (levels > 1) return 1 + (yield* inner(levels - 1));
    yield* sleep(0);
    return 1;
  };
  const inner = isMarked ? coroutine(descend) : descend;
  return deepest((depth) =>
    run(function* () {
      return yield* inner(depth);
    }),
  );
}

async function asyncDescend(levels) {
  if (levels > 1) return 1 + (await asyncDescend(levels - 1));
  await undefined;
  return 1;
}

export default {
  title: 'Deepest recursion',
  about: `Calls within calls, the innermost of which switches once; searched for up to ${target.toLocaleString('en-US')}.`,
  unit: 'frames',
  mostRounds: 1,
  cases: {
    genlet: () => recursion(true),
    'genlet, plain yield*': () => recursion(false),
    'async functions': () => deepest(asyncDescend),
  },
  bars: [{ atLeast: target }],
};

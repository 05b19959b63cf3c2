// Inside a case's process: turns what the case hands over into one figure.

/** How long a case may spend on measured passes; a third of it again goes into warming up. */
const budget = Number(process.env.BENCH_MILLISECONDS ?? 160);
const fewestPasses = 3;

/**
 * A case gives either its figure itself (bytes, CPU milliseconds, …) or `{ operations, pass }`: then the figure is the
 * nanoseconds per operation of the best pass, since on a shared machine everything but the best is somebody else's noise.
 * Where only a part of a pass is to count, the case gives `timedPass` instead, which returns the nanoseconds of that part.
 */
export async function figureOf(work) {
  if (typeof work === 'number') return work;
  const timedPass = work.timedPass ?? (() => durationOf(work.pass));
  await repeat(timedPass, budget / 3, 1);
  return (await repeat(timedPass, budget, fewestPasses)) / work.operations;
}

async function durationOf(pass) {
  const begin = process.hrtime.bigint();
  await pass();
  return Number(process.hrtime.bigint() - begin);
}

/** Runs passes until the time is up, at least `fewest`; the duration of the best one in nanoseconds. */
async function repeat(timedPass, milliseconds, fewest) {
  const end = performance.now() + milliseconds;
  let best = Infinity;
  for (let done = 0; done < fewest || performance.now() < end; done++) best = Math.min(best, await timedPass());
  return best;
}

// Inside a case's process: turns what the case hands over into one figure, or in a table of several readings into one for each.

/** How long a case may spend on measured passes; a third of it again goes into warming up. */
const budget = Number(process.env.BENCH_MILLISECONDS ?? 160);
const fewestPasses = 3;

/**
 * A case gives either its figure itself (bytes, CPU milliseconds, …) or `{ operations, pass }`: then the figure is the
 * nanoseconds per operation of the best pass, since on a shared machine everything but the best is somebody else's noise.
 * Where only a part of a pass is to count, the case gives `timedPass` instead, which returns the nanoseconds of that part;
 * or `{ operations, readPass }`, which returns a list of readings, for each of which the best pass counts. Where a third of the
 * time is not enough to get warm, it says how many `warmUpPasses` there shall be at least.
 */
export async function figureOf(work) {
  if (typeof work === 'number') return work;
  const timedPass = work.timedPass ?? (() => durationOf(work.pass));
  const readPass = work.readPass ?? (async () => [await timedPass()]);
  await repeat(readPass, budget / 3, work.warmUpPasses ?? 1);
  const figures = (await repeat(readPass, budget, fewestPasses)).map((reading) => reading / work.operations);
  return work.readPass === undefined ? figures[0] : figures;
}

async function durationOf(pass) {
  const begin = process.hrtime.bigint();
  await pass();
  return Number(process.hrtime.bigint() - begin);
}

/** Runs passes until the time is up, at least `fewest`; the least of each of their readings. */
async function repeat(readPass, milliseconds, fewest) {
  const end = performance.now() + milliseconds;
  let best;
  for (let done = 0; done < fewest || performance.now() < end; done++) {
    const readings = await readPass();
    best = readings.map((reading, index) => Math.min(reading, best?.[index] ?? Infinity));
  }
  return best;
}

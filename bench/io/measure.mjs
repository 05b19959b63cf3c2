// By the clock and by CPU time: a machine that others use too disturbs the second much less, but only the first shows whether
// the threads of the process worked side by side.

/** Microseconds that `work` takes: of time, or of CPU time of all the process's threads. */
export async function microseconds(what, work) {
  if (what === 'CPU') {
    const before = process.cpuUsage();
    await work();
    const { user, system } = process.cpuUsage(before);
    return user + system;
  }
  const begin = performance.now();
  await work();
  return (performance.now() - begin) * 1000;
}

/** Two tables of the same work, `describe('time')` and `describe('CPU')`. */
export const byTimeAndCpu = (describe) => ['time', 'CPU'].map(describe);

/** For a bar: so much of the peer's speed has to be reached. */
export const speedOf = (share, peer) => ({ against: peer, atMost: Math.round(1000 / share) / 1000 });

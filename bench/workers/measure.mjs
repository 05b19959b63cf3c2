// Time and CPU time of the same passes. Workers of several peers take time from each other, and from whatever else the machine
// does; what they cost of it all shows in the CPU time, of all threads, and of child processes where there are some.
import { readdirSync, readFileSync } from 'node:fs';

/** The two readings of a table, with the bars for the first and, where there are some, for the second. */
export const timeAndCpu = (per, bars, cpuBars = []) => [
  { of: 'time', unit: `us per ${per}`, bars },
  { of: 'CPU', unit: `us of CPU time per ${per}`, bars: cpuBars },
];

/** A case of such a table: `pass` does so many operations. Each worker has to get warm, and sees only a part of them. */
export const reading = (operations, pass, warmUpPasses = 4) => reads(operations, pass, ownCpu, warmUpPasses);

/** As `reading`, for a case with child processes. */
export const readingWithChildren = (operations, pass, warmUpPasses = 4) =>
  reads(operations, pass, () => ownCpu() + cpuOfChildren(), warmUpPasses);

function reads(operations, pass, cpu, warmUpPasses) {
  return {
    operations,
    warmUpPasses,
    async readPass() {
      const [cpuBefore, begin] = [cpu(), performance.now()];
      await pass();
      return [(performance.now() - begin) * 1000, cpu() - cpuBefore];
    },
  };
}

function ownCpu() {
  const { user, system } = process.cpuUsage();
  return user + system;
}

/** The CPU time of the child processes that run, in microseconds; NaN where the system does not tell. */
function cpuOfChildren() {
  try {
    const children = ofTasks('self', 'children').flatMap((text) => text.trim().split(' ').filter(Boolean));
    const nanoseconds = children
      .flatMap((child) => ofTasks(child, 'schedstat'))
      .map((text) => Number.parseInt(text, 10));
    return nanoseconds.reduce((sum, each) => sum + each, 0) / 1000;
  } catch {
    return Number.NaN;
  }
}

/** A file of /proc of each thread of a process. */
const ofTasks = (id, file) => {
  const folder = `/proc/${id}/task`;
  return readdirSync(folder).map((task) => readFileSync(`${folder}/${task}/${file}`, 'utf8'));
};

/** What the tests of child processes share: a look at what is left behind. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { afterEach, beforeEach, expect } from 'vitest';
import { hub, nextTurn } from '../support/hub.ts';

/** The numbers of this process's children, zombies included. */
export function children(): number[] {
  const tasks = readdirSync('/proc/self/task');
  const text = tasks.map((task) => readIfThere(`/proc/self/task/${task}/children`)).join(' ');
  return text.split(' ').filter(Boolean).map(Number);
}

/** Whether there is such a process; an orphan that has ended counts as gone, for it is not ours to reap. */
export function exists(pid: number): boolean {
  return /\) [^Z]/.test(readIfThere(`/proc/${pid}/stat`));
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return ''; // the thread has ended
  }
}

/** Open descriptors, by what they are. */
function descriptors(): string[] {
  const names = readdirSync('/proc/self/fd').map((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).replace(/:?\[.*/, '');
    } catch {
      return 'gone'; // that of the listing itself
    }
  });
  return names.filter((name) => /^(socket|pipe)$/.test(name)).sort();
}

/**
 * After each test of the file: no child, pipe or socket is left, nobody counts as waiting for something outside, and Node
 * has warned of nothing. Used together with `watchHub`.
 */
export function watchProcesses(): void {
  const warnings: Error[] = [];
  const warn = (warning: Error) => void warnings.push(warning);
  const look = () => ({ children: children(), descriptors: descriptors(), outside: hub.outside, warnings });
  let before: ReturnType<typeof look>;
  beforeEach(async () => {
    await nextTurn();
    process.on('warning', warn);
    before = look();
  });
  afterEach(async () => {
    const end = performance.now() + 2000; // a process takes its time to end
    while (performance.now() < end && JSON.stringify(look()) !== JSON.stringify(before)) await nextTurn();
    process.off('warning', warn);
    expect(look()).toEqual(before);
  });
}

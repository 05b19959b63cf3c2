/** The processes that this one has started and that have not ended. */
import type { ChildProcess } from 'node:child_process';
import { availableParallelism } from 'node:os';
import type { Process } from './process.ts';

const children = new Set<Process>();
/** Workers of pools: they end when this process does. */
const pooled = new Set<ChildProcess>();
let hooked = false;

/** @internal */
export function addChild(child: Process): void {
  children.add(child);
  hook();
}

/** @internal */
export function addPooled(child: ChildProcess): void {
  pooled.add(child);
  hook();
}

/** @internal */
export function removePooled(child: ChildProcess): void {
  pooled.delete(child);
}

function hook(): void {
  if (hooked) return;
  hooked = true;
  // Nothing is left to do: daemons are ended, and waited for.
  process.on('beforeExit', () => {
    for (const child of children) if (child.daemon) child.endDaemon();
  });
  process.on('exit', () => {
    for (const child of children) child.terminate();
    for (const child of pooled) child.kill('SIGKILL');
  });
}

/** @internal */
export function removeChild(child: Process): void {
  children.delete(child);
}

/**
 * The processes that this one has started and that have not ended, in the order of their starts. Follows
 * `multiprocessing.active_children`.
 *
 * @example
 * ```ts
 * import { activeChildren } from 'genlet/workers';
 *
 * console.log(activeChildren()); // => []
 * ```
 */
export function activeChildren(): Process[] {
  return [...children];
}

/**
 * How many processors this process may use. Follows `multiprocessing.cpu_count` and `os.availableParallelism`.
 *
 * @example
 * ```ts
 * import { cpuCount } from 'genlet/workers';
 *
 * console.log(cpuCount() >= 1); // => true
 * ```
 */
export function cpuCount(): number {
  return availableParallelism();
}

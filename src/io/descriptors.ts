/**
 * How many more descriptors this process may open.
 *
 * Where they have run out, Node accepts a connection and closes it at once, and tells nobody. So a server looks at the
 * number of each new connection's descriptor, which is the lowest that was free, and turns connections away itself, while
 * a few are left: it can count them and say why, and the program can still open its files.
 */
import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';

/** Descriptors that connections leave to files, pipes and whatever else. */
const RESERVE = 16;

let limit: number | undefined;

/** Whether a new connection took one of the last descriptors. @internal */
export function isLastDescriptor(stream: Socket): boolean {
  const { _handle: handle } = stream as Socket & { _handle?: { readonly fd?: unknown } | null };
  const fd = handle?.fd;
  if (typeof fd !== 'number') return false; // Windows has none
  limit ??= descriptorLimit();
  return fd >= limit - RESERVE;
}

/** The error that tells of it. @internal */
export function outOfDescriptors(count: number): Error {
  const message =
    `${count === 1 ? 'a connection was' : `${count} connections were`} turned away, for this process may have no more than ` +
    `${limit} descriptors: raise 'ulimit -n', or accept fewer by maxConnections`;
  return Object.assign(new Error(message), { code: 'EMFILE' });
}

/** Node itself has raised it to the hard limit. */
function descriptorLimit(): number {
  let soft: unknown;
  try {
    soft = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
  } catch {
    const report = process.report?.getReport() as { userLimits?: { open_files?: { soft?: unknown } } } | undefined;
    soft = report?.userLimits?.open_files?.soft;
  }
  const number = Number(soft ?? Number.NaN);
  return Number.isNaN(number) ? Number.POSITIVE_INFINITY : number;
}

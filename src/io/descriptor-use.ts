/**
 * Which file descriptors are used by calls that were killed, and still run in Node's threads.
 *
 * Such a descriptor must not be closed before: the system would give its number to another file, and a late write would
 * go there.
 */
interface Use {
  count: number;
  readonly after: (() => void)[];
}

const uses = new Map<number, Use>();

/** @internal */
export function beginUse(fd: number): void {
  const use = uses.get(fd);
  if (use === undefined) uses.set(fd, { count: 1, after: [] });
  else use.count++;
}

/** @internal */
export function endUse(fd: number): void {
  const use = uses.get(fd)!;
  if (--use.count > 0) return;
  uses.delete(fd);
  for (const fn of use.after) fn();
}

/** Has `fn` called after the uses of a descriptor; `false` if there is none. @internal */
export function afterUse(fd: number, fn: () => void): boolean {
  const use = uses.get(fd);
  use?.after.push(fn);
  return use !== undefined;
}

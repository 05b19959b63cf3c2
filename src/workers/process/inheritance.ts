/** What a process takes over from the one that starts it, beside what it is given: it travels on the link to it. */

interface Heirloom {
  readonly give: () => unknown;
  readonly take: (data: never) => void;
}

const heirlooms = new Map<string, Heirloom>();

/** `give` is called for each process that starts; `take` gets the result over there, before any module of the program. @internal */
export function inherit<D>(key: string, give: () => D, take: (data: D) => void): void {
  heirlooms.set(key, { give, take });
}

/** @internal */
export function estate(): Record<string, unknown> {
  return Object.fromEntries([...heirlooms].map(([key, { give }]) => [key, give()]));
}

/** @internal */
export function takeOver(data: Record<string, unknown>): void {
  for (const [key, value] of Object.entries(data)) heirlooms.get(key)?.take(value as never);
}

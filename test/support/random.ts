/** Seeded random numbers, so that a failure can be had again. */

/** Gives a whole number from 0 to `below - 1`. */
export type Random = (below: number) => number;

/** The generator "mulberry32". */
export function random(seed: number): Random {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/** In whose name something is held: a greenlet's, or that of all code outside greenlets. */
import { hub as importedHub } from '../core/hub.ts';
import type { RawGreenlet } from '../core/raw-greenlet.ts';

// A constant of this module, not an imported binding: see `State`.
const hub = importedHub;

/** Hub callbacks and ordinary code. */
const ORDINARY_CODE = { name: 'ordinary code', dead: false, toString: (): string => 'ordinary code' };

/** @internal */
export type Principal = RawGreenlet | typeof ORDINARY_CODE;

/** @internal */
export function currentPrincipal(): Principal {
  return hub.current?.principal ?? ORDINARY_CODE;
}

/** The end of a report on who waits for a lock. @internal */
export function describeHolder(holder: Principal | undefined): string {
  if (holder === undefined) return '';
  return `, held by ${holder}${holder.dead ? ', which has ended' : ''}`;
}

/** Where the handlers of a server run. */
import { show } from '../core/check.ts';
import { Pool } from '../sync/pool.ts';

/** A pool that is given, or one of its own with so many places, or none. @internal */
export function handlerPool(places: Pool | number | undefined): Pool | undefined {
  if (places === undefined || places instanceof Pool) return places;
  if (typeof places === 'number') return new Pool(places);
  throw new TypeError(`spawn is ${show(places)}: give a Pool, or the number of handlers that may run at a time`);
}

/** Greenlets that serve others: the hub neither waits for them nor kills them when everybody else has ended. */
import type { Coroutine } from '../../core/operation.ts';
import { RawGreenlet } from '../../core/raw-greenlet.ts';

/** Runs `fn`, which must end by itself when what it serves is closed. @internal */
export function background(fn: () => Coroutine<void>): void {
  new RawGreenlet(fn, null).begin();
}

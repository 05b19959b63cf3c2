/** `node:crypto` and `node:zlib`. */
import { dual } from './dual.ts';
import type { Target } from './install.ts';
import { builtin, namesWithTwins } from './modules.ts';

/** @internal */
export function cryptoTargets(): Target[] {
  const crypto = builtin('crypto');
  return namesWithTwins(crypto).map((name) => dual('crypto', '', crypto, name));
}

/** How long a call may block. */
import { checkOptions, checkTimeout } from '../core/check.ts';

/** Options of calls that wait for something and fail if they don't get it. */
export interface BlockOptions {
  /** `false`: don't wait at all. */
  block?: boolean;
  /** How long to wait, in milliseconds; 0 does not wait, `undefined` or `null` waits for ever. */
  timeout?: number | null;
}

/** The time limit in milliseconds, `undefined` for none. @internal */
export function limitOf(options: BlockOptions | undefined): number | undefined {
  if (options === undefined) return undefined;
  checkOptions(options, '{ timeout: milliseconds } or { block: false }');
  const limit = checkTimeout(options.timeout);
  return options.block === false ? 0 : limit;
}

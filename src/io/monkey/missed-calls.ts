/** The blocking calls that the loader of `genlet/monkey/sync` has left as they are. */
import { fileURLToPath } from 'node:url';

/** A blocking call that the loader could not turn into a suspending one. */
export interface BlockingCall {
  /** The module's URL, or the path of a CommonJS module. */
  readonly url: string;
  /** The line in it, counted from 1. */
  readonly line: number;
  /** What is called, such as `fs.readFileSync`. */
  readonly text: string;
  /** Why it stays as it is. */
  readonly reason: string;
}

/** In the modules that were loaded until now. @internal */
export const missed: BlockingCall[] = [];

/** Why a function of this name stayed as it was at a place, given as a line of a stack. @internal */
export function reasonAt(frame: string, name: string): string | undefined {
  const call = missed.find(({ url, line, text }) => {
    const path = url.startsWith('file:') ? fileURLToPath(url) : url;
    const isThere = [url, path].some((file) => frame.includes(`${file}:${line}:`));
    return isThere && text.endsWith(name);
  });
  return call?.reason;
}

/** `node:net` without callbacks. Written by scripts/monkey-types.ts: `npm run monkey-types`. */
// biome-ignore-all format: generated
import type { Started } from '../started.ts';

declare module 'node:net' {
  interface Server {
    getConnections(): Started<number>;
    getConnections(cb: (error: Error | null, count: number) => void): this;
  }
}

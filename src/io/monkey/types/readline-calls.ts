/** `node:readline` without callbacks. Written by scripts/monkey-types.ts: `npm run monkey-types`. */
// biome-ignore-all format: generated
import type { Abortable } from 'node:events';
import type { Performable } from './promise.ts';

declare module 'node:readline' {
  interface Interface {
    question(query: string, callback: (answer: string) => void): void;
    question(query: string): Performable<string>;
    question(query: string, options: Abortable): Performable<string>;
    question(query: string, callback: (answer: string) => void): void;
    question(query: string, options: Abortable, callback: (answer: string) => void): void;
  }
}

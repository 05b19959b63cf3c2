export type { ServeMode } from './mode.ts';
export { Fleet, type ServeOptions, serve } from './serve.ts';

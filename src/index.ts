export * from './core/index.ts';
export * from './sync/index.ts';

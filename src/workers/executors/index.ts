/** Executors and pools over worker threads and processes. */
export type { CrewOptions, ThreadCrewOptions } from './crew-options.ts';
export { type ChunkedImapOptions, type ChunkOptions, CrewPool, type ResultCallbacks } from './crew-pool.ts';
export { Executor, type MapOptions, type ShutdownOptions } from './executor.ts';
export { Pool, type PoolOptions } from './pool.ts';
export { ProcessPoolExecutor, type ProcessPoolExecutorOptions } from './process-pool-executor.ts';
export { ThreadPool, type ThreadPoolOptions } from './thread-pool.ts';
export { ThreadPoolExecutor, type ThreadPoolExecutorOptions } from './thread-pool-executor.ts';

/** What threads share, over SharedArrayBuffer: blocking calls suspend the greenlet, never the thread. */

export { SharedAcquirable } from './acquirable.ts';
export { SharedArray as Array } from './array.ts';
export { Barrier, type BarrierStatistics } from './barrier.ts';
export { type CellArrays, Cells, type CellType, type CellValue } from './cells.ts';
export { Condition, type ConditionStatistics } from './condition.ts';
export { Event, type EventStatistics } from './event.ts';
export { Lock } from './lock.ts';
export { type LockStatistics, SharedOwnedLock } from './owned-lock.ts';
export { Queue, type QueueOptions, type QueueStatistics } from './queue.ts';
export { RLock, type RLockStatistics } from './rlock.ts';
export { BoundedSemaphore, Semaphore, type SemaphoreStatistics } from './semaphore.ts';
export { type Descriptor, SharedObject } from './shared-object.ts';
export { bury, MAX_THREADS } from './space.ts';
export { open, type SharedObjects } from './transport.ts';
export type { CellOptions } from './value.ts';
export { Value } from './value.ts';

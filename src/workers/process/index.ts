/** Processes of their own, and what goes between them. */
export { activeChildren, cpuCount } from './children.ts';
export { BoundedSemaphore, Event, Lock, ProcessAcquirable, Semaphore } from './lock.ts';
export { Pipe } from './pipe.ts';
export { currentProcess, Process, type ProcessOptions } from './process.ts';
export { ProcessObject } from './process-object.ts';
export { JoinableQueue, Queue } from './queue.ts';

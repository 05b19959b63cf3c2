/** Shared objects on their way between threads. */
import { SharedArray } from './array.ts';
import { Barrier } from './barrier.ts';
import type { CellType } from './cells.ts';
import { Condition } from './condition.ts';
import { Event } from './event.ts';
import { Lock } from './lock.ts';
import { Queue } from './queue.ts';
import { RLock } from './rlock.ts';
import { BoundedSemaphore, Semaphore } from './semaphore.ts';
import {
  checkDescriptor,
  type Descriptor,
  findOpen,
  isDescriptor,
  Opening,
  SharedObject,
  unknownKind,
} from './shared-object.ts';
import { Value } from './value.ts';

/** The shared object that a descriptor stands for. */
export interface SharedObjects {
  Array: SharedArray<any>;
  Barrier: Barrier;
  BoundedSemaphore: BoundedSemaphore;
  Condition: Condition;
  Event: Event;
  Lock: Lock;
  Queue: Queue<any>;
  RLock: RLock;
  Semaphore: Semaphore;
  Value: Value<any>;
}

const makers: { [K in keyof SharedObjects]: (opening: Opening) => SharedObjects[K] } = {
  Array: (opening) => new SharedArray<CellType>(opening),
  Barrier: (opening) => new Barrier(opening),
  BoundedSemaphore: (opening) => new BoundedSemaphore(opening),
  Condition: (opening) => new Condition(opening),
  Event: (opening) => new Event(opening),
  Lock: (opening) => new Lock(opening),
  Queue: (opening) => new Queue(opening),
  RLock: (opening) => new RLock(opening),
  Semaphore: (opening) => new Semaphore(opening),
  Value: (opening) => new Value<CellType>(opening),
};

/**
 * The shared object for what `share()` of it gave, in this thread: one and the same for each object, however often it is
 * opened. Never suspends.
 *
 * @throws {TypeError} `descriptor` is not what `share()` gives
 * @throws {InvalidStateError} too many threads use shared objects
 * @example
 * ```ts
 * import { shared } from 'genlet/workers';
 *
 * const done = new shared.Event();
 * const received = structuredClone(done.share()); // as postMessage() does it
 * console.log(received.shared, shared.open(received) === done); // => Event true
 * ```
 */
export function open<K extends keyof SharedObjects>(descriptor: Descriptor<K>): SharedObjects[K];
export function open(descriptor: Descriptor): SharedObject;
export function open(descriptor: Descriptor): SharedObject {
  checkDescriptor(descriptor);
  const { shared, parts = {} } = descriptor;
  if (!Object.hasOwn(makers, shared)) throw unknownKind(shared);
  const present = findOpen(descriptor);
  if (present !== undefined) return present;
  const opened = Object.fromEntries(Object.entries(parts).map(([name, part]) => [name, open(part)]));
  return makers[shared as keyof SharedObjects](new Opening(descriptor, opened));
}

/** What to send for a value that is a shared object; `undefined` if it is none. @internal */
export function packShared(value: unknown): Descriptor | undefined {
  return value instanceof SharedObject ? value.share() : undefined;
}

/** The shared object for what `packShared` gave; `undefined` if `packed` is something else. @internal */
export function unpackShared(packed: unknown): SharedObject | undefined {
  return isDescriptor(packed) ? open(packed) : undefined;
}

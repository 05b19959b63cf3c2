/**
 * What shared objects have in common: a record in shared memory, and one object for it in each thread, so that the
 * greenlets of a thread stand in one line.
 */
import { show } from '../../core/check.ts';
import { InvalidStateError } from '../../core/errors.ts';
import { makeWords, Space, type Words } from './space.ts';

/** The word of a record that holds its number. */
const NUMBER = 0;
/** Words of a record that are not its owner's. @internal */
export const FIRST_WORD = 1;

/**
 * What stands for a shared object on its way to another thread: plain data for `postMessage`, `workerData` and the like.
 * There, `shared.open()` turns it into the object again. It can't be sent to another process, nor written to a file.
 */
export interface Descriptor<K extends string = string> {
  /** Which class it is of. */
  readonly shared: K;
  /** @internal */
  readonly space: SharedArrayBuffer;
  /** @internal */
  readonly record: SharedArrayBuffer;
  /** Other shared objects that belong to it. @internal */
  readonly parts?: Readonly<Record<string, Descriptor>>;
  /** @internal */
  readonly detail?: unknown;
}

/** Tells a constructor that the object exists already. @internal */
export class Opening {
  readonly descriptor: Descriptor;
  /** Its parts, opened. */
  readonly parts: Readonly<Record<string, any>>;

  constructor(descriptor: Descriptor, parts: Readonly<Record<string, any>>) {
    this.descriptor = descriptor;
    this.parts = parts;
  }
}

/** The base of all shared objects. */
export abstract class SharedObject {
  /** @internal */
  readonly space: Space;
  /** @internal */
  readonly words: Words;

  /** A new record of `size` words, or one that another thread has made. @internal */
  constructor(opening: Opening | undefined, size: number) {
    if (opening === undefined) {
      this.space = Space.home();
      this.words = makeWords(size);
      this.words[NUMBER] = this.space.number();
    } else {
      this.space = Space.of(opening.descriptor.space);
      this.words = new Int32Array(opening.descriptor.record);
    }
    this.space.remember(this.words[NUMBER]!, this);
  }

  /**
   * What to send to another thread, by `postMessage` or in `workerData`, and to open there with `shared.open()`. The
   * object and all that were opened from it are one: what is done to one is done to all.
   */
  share(): Descriptor {
    return { shared: this.kind, space: this.space.block, record: this.words.buffer };
  }

  /** The name of its class in the namespace. @internal */
  abstract get kind(): string;
}

/** The object that this thread has for a record already. @internal */
export function findOpen(descriptor: Descriptor): SharedObject | undefined {
  const space = Space.of(descriptor.space);
  return space.objects.get(new Int32Array(descriptor.record)[NUMBER]!)?.deref() as SharedObject | undefined;
}

/** Whether `value` is what `share()` gives. @internal */
export function isDescriptor(value: unknown): value is Descriptor {
  const { shared, space, record } = (value ?? {}) as Partial<Descriptor>;
  return typeof shared === 'string' && space instanceof SharedArrayBuffer && record instanceof SharedArrayBuffer;
}

/** @internal */
export function checkDescriptor(value: unknown): Descriptor {
  if (isDescriptor(value)) return value;
  throw new TypeError(`descriptor is ${show(value)}: give what share() of a shared object gave`);
}

/** @internal */
export function unknownKind(kind: string): InvalidStateError {
  return new InvalidStateError(`there is no shared object of kind ${show(kind)}: use one version of genlet everywhere`);
}

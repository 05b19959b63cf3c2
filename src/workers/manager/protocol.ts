/**
 * What a manager and its proxies say to each other. A frame holds any number of messages, each of them a byte that says
 * what it is, and what belongs to it.
 *
 * Whoever calls numbers the calls and the objects: so nothing has to be waited for before the next message can be sent. The
 * number of a call is used again only when its answer has come.
 */

/** Messages to the manager. @internal */
export const Ask = {
  /** Number of the call, number of the object, the greenlet in whose name it is made, method, arguments. */
  CALL: 0,
  /** Number of the call, number for the object that is made, name of its type, arguments. */
  CREATE: 1,
  /** Number for the object, its id: it is used from now on. */
  ATTACH: 2,
  /** Number of the object, how often it was handed over: it is not used any more. */
  DETACH: 3,
  /** Number of the call: nobody waits for it any more. */
  CANCEL: 4,
} as const;

/** Answers: number of the call, one of these, and a value. @internal */
export const Answer = {
  /** The result. */
  VALUE: 0,
  /** The error, packed. */
  ERROR: 1,
  /** The call was canceled, and has done nothing. */
  CANCELED: 2,
} as const;

/** The number under which each connection has the manager itself. @internal */
export const MANAGER = 0;

/** One end of what carries the frames. @internal */
export interface Wire {
  /** Bytes that a frame may have. */
  readonly longest: number;
  readonly writable: boolean;
  send(frame: Buffer): void;
  /** Takes nothing more until `resume()`. */
  pause(): void;
  resume(): void;
  hold(by: 1 | -1): void;
  close(): void;
}

/** An object of a manager as it is named beyond the connection. @internal */
export interface ObjectName {
  /** Random, so that nobody finds it by chance. */
  readonly id: string;
  /** The kind of its proxies. */
  readonly type: string;
  /** What can be called, if that does not follow from the type. */
  readonly methods: readonly string[] | undefined;
}

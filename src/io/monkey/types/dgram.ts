/** Datagram sockets for `yield*`. */
import type { Suspension } from '../../../core/operation.ts';

declare module 'node:dgram' {
  interface Socket {
    /** In a greenlet, `yield* socket` waits until the socket is bound, and gives it. */
    [Symbol.iterator](): Iterator<Suspension, this, any>;
  }
}

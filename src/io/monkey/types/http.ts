/** Requests for `yield*`; those of `node:https` are the same class. */
import type { IncomingMessage } from 'node:http';
import type { Suspension } from '../../../core/operation.ts';

declare module 'node:http' {
  interface ClientRequest {
    /** In a greenlet, `yield* request` waits for the head of the response. */
    [Symbol.iterator](): Iterator<Suspension, IncomingMessage, any>;
  }
}

/** `Client`: a connection to the `Listener` of another process. */
import { composite } from '../../core/dev.ts';
import type { Coroutine, Operation } from '../../core/operation.ts';
import type { Address } from '../../io/address.ts';
import { Connection } from '../connection.ts';
import { type ClientOptions, Dialer } from './dialer.ts';
import { SocketTransport } from './socket-transport.ts';

/**
 * Connects to a `Listener` that has the same `authkey`, and gives the connection. Suspends until both sides have proven
 * themselves; a kill or timeout leaves nothing behind. `encrypt` and `tls` must be what the listener was given; without
 * them, the address must be of this machine. Follows `multiprocessing.connection.Client`.
 *
 * @throws {AuthenticationError} the other side has another key, or is no listener of this kind
 * @throws {Timeout} it took longer than `timeout` milliseconds
 * @throws {TypeError} the address is none, or reaches beyond this machine with neither `encrypt` nor `tls`
 * @throws the system's error, with `code` `ECONNREFUSED`, `ENOENT`, …
 * @example
 * ```ts
 * import { run, spawn } from 'genlet';
 * import { Client, Listener } from 'genlet/workers';
 *
 * await run(function* () {
 *   using listener = new Listener();
 *   yield* listener.start();
 *   spawn(function* () {
 *     using connection = yield* listener.accept();
 *     for (;;) yield* connection.send(2 * (yield* connection.recv()));
 *   }).daemon = true;
 *   using connection = yield* Client(listener.address);
 *   yield* connection.send(21);
 *   console.log(yield* connection.recv()); // => 42
 * });
 * ```
 */
export function Client(address: Address, options: ClientOptions = {}): Operation<Connection> {
  const dialer = new Dialer(address, options);
  return composite('Client()', connect(dialer));
}

function* connect(dialer: Dialer): Coroutine<Connection> {
  return new Connection(new SocketTransport(yield* dialer.dial()));
}

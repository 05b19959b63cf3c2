/** `Listener`: where other processes connect to, if they have the key. */
import { checkTimeout } from '../../core/check.ts';
import { composite } from '../../core/dev.ts';
import { ConnectionClosedError } from '../../core/errors.ts';
import { hub } from '../../core/hub.ts';
import type { Coroutine, Operation } from '../../core/operation.ts';
import { timedOut } from '../../core/timeout.ts';
import type { Address, Endpoint } from '../../io/address.ts';
import { Event } from '../../sync/event.ts';
import { Connection } from '../connection.ts';
import type { FrameSocket } from './frame-socket.ts';
import { Gate, type ListenerOptions } from './gate.ts';
import { SocketTransport } from './socket-transport.ts';

const BACKLOG = 511;

/**
 * Takes connections from other processes that have the same `authkey`; values go both ways over them. Follows
 * `multiprocessing.connection.Listener`.
 *
 * Both sides prove that they have the key, without showing it; peers that can't are closed and counted in `refused`.
 * Without an address it is a Unix socket in a folder that only this user can enter, and that is gone after `close()`. A TCP
 * address must be of this machine (`'127.0.0.1:0'`), unless `encrypt` or `tls` is given: the key alone does not keep others
 * from reading and changing what is sent. Make keys at random (`crypto.randomBytes(32)`), for a short one can be guessed by
 * who listens. It keeps the process alive until it is closed.
 *
 * What arrives is data and nothing else: no class and no code of the sender. Errors arrive as such.
 *
 * @example
 * ```ts
 * import { run, spawn } from 'genlet';
 * import { Client, Listener } from 'genlet/workers';
 *
 * await run(function* () {
 *   using listener = new Listener('127.0.0.1:0', { authkey: 'a long secret' });
 *   yield* listener.start();
 *   spawn(function* () {
 *     using connection = yield* Client(listener.address, { authkey: 'a long secret' });
 *     yield* connection.send({ question: 6 * 7 });
 *   });
 *   using connection = yield* listener.accept();
 *   console.log(yield* connection.recv()); // => { question: 42 }
 * });
 * ```
 */
export class Listener implements Disposable {
  readonly #gate: Gate;
  readonly #backlog: number;
  readonly #arrived: FrameSocket[] = [];
  readonly #arrival = new Event();

  /**
   * @throws {TypeError} the address is none, or reaches beyond this machine with neither `encrypt` nor `tls`; the key is empty
   * @throws {RangeError} a number among the options is out of range
   */
  constructor(address?: Address, options: ListenerOptions = {}) {
    this.#gate = new Gate(address, options, (link) => this.#admit(link));
    this.#backlog = options.backlog ?? BACKLOG;
  }

  /** Where it listens; before `start()`, the address that was given. */
  get address(): Endpoint {
    return this.#gate.address;
  }

  /** Whether `close()` was called. */
  get closed(): boolean {
    return this.#gate.closed;
  }

  /** How many peers did not prove that they have the key. */
  get refused(): number {
    return this.#gate.refused;
  }

  /**
   * Begins to listen, unless it does already; `accept()` does it too. Suspends until the system has agreed; a kill takes it
   * back.
   *
   * @throws {ConnectionClosedError} it was closed
   * @throws the system's error, with `code` `EADDRINUSE`, `EACCES`, …
   */
  start(): Operation<void> {
    return composite('Listener.start()', this.#start());
  }

  *#start(): Coroutine<void> {
    this.#checkOpen('start()');
    yield* this.#gate.open();
    this.#checkOpen('start()');
  }

  /**
   * Takes the next connection whose peer has proven itself. Suspends while there is none; a kill takes none. Connections
   * are handed out in the order in which they were ready. Follows `Listener.accept`, but a peer with a wrong key is no
   * error here.
   *
   * @throws {Timeout} no connection within `timeout` milliseconds
   * @throws {ConnectionClosedError} the listener was closed, also while it waited
   * @throws {RangeError} `timeout` is negative or NaN
   */
  accept(timeout?: number | null): Operation<Connection> {
    return composite('Listener.accept()', this.#accept(checkTimeout(timeout)));
  }

  *#accept(timeout: number | undefined): Coroutine<Connection> {
    yield* this.#start();
    const due = timeout === undefined ? undefined : hub.now() + timeout;
    for (;;) {
      const link = this.#arrived.shift();
      if (link !== undefined) return new Connection(new SocketTransport(link));
      this.#arrival.clear();
      const left = due === undefined ? undefined : Math.max(0, due - hub.now());
      hub.outside++;
      try {
        if (!(yield* this.#arrival.wait(left))) throw timedOut('Listener.accept()', timeout!);
      } finally {
        hub.outside--;
      }
      this.#checkOpen('accept()');
    }
  }

  /**
   * Stops to listen, without suspending: blocked `accept`s get a `ConnectionClosedError`, connections that nobody has
   * accepted are closed, accepted ones go on. The Unix socket is removed. A second call does nothing.
   */
  close(): void {
    this.#gate.close();
    for (const link of this.#arrived.splice(0)) link.close();
    this.#arrival.set();
  }

  /** Makes `using` close it. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** `Listener 127.0.0.1:80`. */
  toString(): string {
    return `Listener ${this.address}`;
  }

  #admit(link: FrameSocket): void {
    if (this.#arrived.length >= this.#backlog) link.close();
    else {
      this.#arrived.push(link);
      this.#arrival.set();
    }
  }

  #checkOpen(call: string): void {
    if (this.closed) throw new ConnectionClosedError(`${this}.${call}: it was closed`);
  }
}

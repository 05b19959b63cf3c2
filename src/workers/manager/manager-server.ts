/** `ManagerServer`: has the objects of a manager, and does what their proxies ask for. */
import { composite } from '../../core/dev.ts';
import { InvalidStateError } from '../../core/errors.ts';
import { hub } from '../../core/hub.ts';
import type { Coroutine, Operation } from '../../core/operation.ts';
import type { Address, Endpoint } from '../../io/address.ts';
import { Event } from '../../sync/event.ts';
import { Gate, type ListenerOptions } from './gate.ts';
import type { ManagedType } from './managed-types.ts';
import type { ManagerAddress, ManagerLink } from './manager-link.ts';
import { MemoryWire } from './memory-wire.ts';
import { Objects } from './objects.ts';
import type { Wire } from './protocol.ts';
import { Session } from './session.ts';

/** What `server.statistics()` gives. */
export interface ManagerStatistics {
  /** Objects in the manager. */
  readonly objects: number;
  /** Connections, that of this process included. */
  readonly connections: number;
  /** Calls that are running: those that wait for something. */
  readonly calls: number;
  /** Peers that did not prove that they have the key. */
  readonly refused: number;
}

/**
 * Has the objects of a `Manager` in this process, and listens for those who use them from elsewhere; made by
 * `manager.getServer()`. Each call that waits runs in a greenlet, so that it costs next to nothing. Follows
 * `multiprocessing.managers.Server`.
 *
 * @example
 * ```ts
 * import { Queue, run, spawn } from 'genlet';
 * import { BaseManager } from 'genlet/workers';
 *
 * class Tasks extends BaseManager {}
 * const tasks = new Queue(null, ['wash', 'dry']);
 * Tasks.register('getTasks', () => tasks);
 *
 * await run(function* () {
 *   const server = new Tasks('127.0.0.1:0', { authkey: 'a long secret' }).getServer();
 *   yield* server.start();
 *   spawn(() => server.serveForever());
 *   // in another process, as a rule:
 *   using client = yield* Tasks.connect(server.address, { authkey: 'a long secret' });
 *   const remote = yield* client.create('getTasks');
 *   console.log(yield* remote.callMethod('get')); // => wash
 *   server.stop();
 * });
 * ```
 */
export class ManagerServer implements Disposable {
  readonly #gate: Gate;
  readonly #isTls: boolean;
  readonly #objects: Objects;
  readonly #sessions = new Set<Session>();
  readonly #stopped = new Event();
  /** Those who wait for something here. */
  #waiting = 0;
  #isServing = false;

  /** @internal */
  constructor(types: Map<string, ManagedType>, address: Address | undefined, options: ListenerOptions) {
    this.#isTls = options.tls !== undefined;
    this.#objects = new Objects(types, () => void hub.callSoon(() => this.stop()));
    this.#gate = new Gate(address, options, (link) => {
      const session = this.#session(link);
      link.start(session);
    });
  }

  /** Where it listens; before that, the address that was given. */
  get address(): Endpoint {
    return this.#gate.address;
  }

  /** Whether it was stopped. */
  get closed(): boolean {
    return this.#gate.closed;
  }

  /**
   * Begins to listen, unless it does already. It does not keep the process alive by itself: `serveForever()` does, and calls
   * that wait. Suspends until the system has agreed; a kill takes it back.
   *
   * @throws {InvalidStateError} it was stopped
   * @throws the system's error, with `code` `EADDRINUSE`, `EACCES`, …
   */
  start(): Operation<void> {
    return composite('ManagerServer.start()', this.#start());
  }

  *#start(): Coroutine<void> {
    yield* this.#gate.open();
    if (this.closed) throw new InvalidStateError(`${this} was stopped: make a new manager`);
    this.#regard();
  }

  /** Listens until somebody stops it, here or by `shutdown()` from elsewhere. A kill stops it. Follows `serve_forever`. */
  serveForever(): Operation<void> {
    return composite('ManagerServer.serveForever()', this.#serveForever());
  }

  *#serveForever(): Coroutine<void> {
    yield* this.#start();
    this.#isServing = true;
    this.#regard();
    hub.outside++;
    try {
      yield* this.#stopped.wait();
    } finally {
      hub.outside--;
      this.stop();
    }
  }

  /** Stops, without suspending: connections are closed, calls are taken back, objects dropped. Again: nothing happens. */
  stop(): void {
    if (this.closed) return;
    this.#gate.close();
    for (const session of [...this.#sessions]) {
      session.close();
      session.ended();
    }
    this.#objects.clear();
    this.#stopped.set();
  }

  /** Makes `using` stop it. */
  [Symbol.dispose](): void {
    this.stop();
  }

  /** Counters of this moment. */
  statistics(): ManagerStatistics {
    let calls = 0;
    for (const { running } of this.#sessions) calls += running;
    return { objects: this.#objects.size, connections: this.#sessions.size, calls, refused: this.#gate.refused };
  }

  /** `ManagerServer 127.0.0.1:80`. */
  toString(): string {
    return `ManagerServer ${this.address}`;
  }

  /** How other processes find it. @internal */
  get where(): ManagerAddress | undefined {
    if (this.#isTls) return undefined;
    const { path, host, port } = this.address;
    const address = path === undefined ? { host, port } : { path };
    return { address, encrypt: this.#gate.encrypt, key: this.#gate.authkey };
  }

  /** Connects proxies of this process. @internal */
  attach(link: ManagerLink): Wire {
    const [near, far] = MemoryWire.pair((by) => {
      this.#waiting += by;
      this.#regard();
    });
    far.start(this.#session(far));
    near.start(link);
    return near;
  }

  #session(wire: Wire): Session {
    const session = new Session(wire, this.#objects, () => this.#sessions.delete(session));
    this.#sessions.add(session);
    return session;
  }

  /** Somebody who waits may be woken from elsewhere. */
  #regard(): void {
    this.#gate.keepAlive(this.#waiting > 0 || this.#isServing);
  }
}

/** What all servers have in common: they start once, serve until they are stopped, and stop with patience. */
import { checkTimeout } from '../core/check.ts';
import { composite } from '../core/dev.ts';
import { InvalidStateError } from '../core/errors.ts';
import type { Greenlet } from '../core/greenlet.ts';
import { hub } from '../core/hub.ts';
import type { Coroutine, Operation } from '../core/operation.ts';
import { withTimeout } from '../core/timeout.ts';
import { Event } from '../sync/event.ts';
import { Group } from '../sync/group.ts';
import type { Endpoint } from './address.ts';
import type { ListeningOptions } from './start-listening.ts';

/** How a server listens that shares its address with others. @internal */
export interface Placement {
  /** In place of the address that it was given. */
  readonly address: Endpoint | undefined;
  readonly options: ListeningOptions;
  /** It does not listen: `adopt` gives it its connections. */
  readonly isFed: boolean;
}

/** How long `stop` waits for the handlers, unless it is told otherwise. */
const PATIENCE = 1000;

/**
 * The base of `StreamServer`, `DatagramServer` and `HttpServer`: how they begin, and how they end. Follows
 * `gevent.baseserver.BaseServer`.
 */
export abstract class BaseServer {
  /** The greenlets of the handlers that have not ended. @internal */
  readonly handlers: Group = new Group();
  readonly #given: Endpoint;
  readonly #stopped = new Event();
  /** Set before it starts, by who runs several servers at one address. @internal */
  placement: Placement | undefined;
  /** Takes what arrives; without one, callbacks do. */
  #receiver: Greenlet<void> | undefined;
  #state: 'new' | 'starting' | 'started' | 'closed' = 'new';

  /** @internal */
  constructor(given: Endpoint) {
    this.#given = given;
  }

  /** Where it listens; before `start`, the address that was given. */
  get address(): Endpoint {
    return this.place ?? this.#given;
  }

  /** The port of `address`. */
  get port(): number {
    return this.address.port;
  }

  /** Whether it takes what arrives. */
  get started(): boolean {
    return this.#state === 'started';
  }

  /** Whether `stop` was called. */
  get closed(): boolean {
    return this.#state === 'closed';
  }

  /** How many handlers are running, or wait for a place in the pool. */
  get handling(): number {
    return this.handlers.size;
  }

  /**
   * Begins to listen. Suspends until the system has agreed; a kill takes it back.
   *
   * @throws {InvalidStateError} it was started before
   * @throws the system's error, with `code` `EADDRINUSE`, `EACCES`, …; Node's, for a certificate or key that is none
   */
  start(): Operation<void> {
    return composite(`${this.constructor.name}.start()`, this.#start());
  }

  *#start(): Coroutine<void> {
    if (this.#state !== 'new') throw new InvalidStateError(`${this} is ${this.#state}: make a new one to start`);
    this.#state = 'starting';
    let isOpen = false;
    try {
      yield* this.open(this.placement?.address ?? this.#given);
      isOpen = true;
    } finally {
      if (!isOpen && this.#state === 'starting') this.#state = 'new';
    }
    if (this.closed) {
      this.refuse();
      this.shut();
    } else {
      this.#state = 'started';
      this.#receiver = this.receive();
    }
  }

  /**
   * Starts the server if need be, and waits until somebody stops it. A kill stops it, with the usual patience for its
   * handlers.
   */
  serveForever(): Operation<void> {
    return composite(`${this.constructor.name}.serveForever()`, this.#serveForever());
  }

  *#serveForever(): Coroutine<void> {
    try {
      if (this.#state === 'new') yield* this.start();
      yield* this.#stopped.wait();
    } finally {
      yield* this.stop();
    }
  }

  /**
   * Takes nothing more, and waits at most `timeout` milliseconds (1,000 by default, `null` for ever) for the handlers and for
   * what is still to be sent; then kills the handlers and drops the rest. Suspends; a kill ends the patience. A handler that
   * calls it does not wait for itself.
   */
  stop(timeout: number | null = PATIENCE): Operation<void> {
    return composite(`${this.constructor.name}.stop()`, this.#stop(checkTimeout(timeout)));
  }

  *#stop(timeout: number | undefined): Coroutine<void> {
    const wasStarted = this.started;
    this.#state = 'closed';
    this.#receiver?.kill();
    if (wasStarted) this.refuse();
    try {
      yield* withTimeout(timeout, () => this.#drain(), { value: undefined });
    } finally {
      try {
        yield* this.#receiverEnds();
        yield* this.handlers.kill();
      } finally {
        this.shut();
        this.#stopped.set();
      }
    }
  }

  /** Waits for the handlers, of which one may begin when another has ended, and then for what they have left to be sent. */
  *#drain(): Coroutine<void> {
    do {
      yield* this.#receiverEnds();
      yield* this.handlers.join();
    } while (this.handlers.size > 0);
    yield* this.flush();
  }

  /**
   * It was killed; if something had just arrived, it starts one more handler. Only then is it known who handles: a handler
   * that stops the server does not wait for itself.
   */
  *#receiverEnds(): Coroutine<void> {
    if (this.#receiver !== undefined) yield* this.#receiver.join();
    this.handlers.discard(hub.current as Greenlet<any>);
  }

  /** Such as `StreamServer 127.0.0.1:80`. */
  toString(): string {
    return `${this.constructor.name} ${this.address}`;
  }

  // ---- what each kind of server does in its own way

  /** Where it listens, once it does. @internal */
  protected abstract get place(): Endpoint | undefined;

  /** Asks the system. @internal */
  protected abstract open(given: Endpoint): Operation<void>;

  /** Begins to take what arrives, in a greenlet or in callbacks. @internal */
  protected abstract receive(): Greenlet<void> | undefined;

  /** Takes nothing more. @internal */
  protected abstract refuse(): void;

  /** Waits for what is still to be sent. @internal */
  protected abstract flush(): Operation<void>;

  /** Drops what is left; may be called more than once. @internal */
  protected abstract shut(): void;
}

/**
 * Where the requests of a client go: to each origin by some lanes, which are connections that are used one request after the
 * other.
 *
 * A lane is an undici `Client`. Its `Pool` is not used, since it falls short of what is promised here: it makes a new
 * connection for each request that is aborted, keeps those that have given up in its queue, and loses sight of a `Client`
 * that could not connect, and with it of the requests that it gives it afterwards.
 */
import type { Socket } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import type * as Undici from 'undici';
import { InvalidStateError } from '../core/errors.ts';
import { Event } from '../sync/event.ts';
import { FinalAnswer } from './http-final-answer.ts';
import type { OutgoingHeaders } from './http-headers.ts';

type Dispatch = Undici.Dispatcher.Dispatch;
type Library = typeof Undici;
type Connector = Undici.buildConnector.connector;

/** A proxy, checked. @internal */
export interface ProxyPlan {
  /** `undefined`: as the environment says. */
  readonly url: string | undefined;
  readonly headers: OutgoingHeaders | undefined;
  readonly tls: ConnectionOptions | undefined;
  readonly tunnel: boolean;
}

/** How connections are made, checked. @internal */
export interface TransportPlan {
  readonly connections: number;
  readonly connectTimeout: number;
  readonly keepAliveTimeout: number | undefined;
  readonly headersTimeout: number | undefined;
  readonly bodyTimeout: number | undefined;
  readonly localAddress: string | undefined;
  readonly socketPath: string | undefined;
  readonly tls: ConnectionOptions | undefined;
  readonly proxy: ProxyPlan | undefined;
  readonly decompress: boolean;
}

/** The connections of one origin. */
export interface OriginStatistics {
  /** Connections that are open or being made. */
  readonly connections: number;
  /** Those that are idle. */
  readonly idle: number;
  /** Requests that wait for a connection. */
  readonly waiting: number;
}

/** A request that wants a lane. @internal */
export interface Passenger {
  /** Those before and behind it that wait. */
  before: Passenger | undefined;
  behind: Passenger | undefined;
  /** It got one. */
  board(lane: Lane): void;
  /** It gets none, for the client was destroyed. */
  refuse(error: Error): void;
}

/** A connection, or where one will be. @internal */
export class Lane {
  readonly dispatch: Dispatch;
  readonly #route: Route;
  readonly #dispatcher: Undici.Dispatcher;
  #connecting: Socket | undefined;

  constructor(route: Route, undici: Library) {
    this.#route = route;
    const connector = (connect: unknown): Connector => this.#watch(connect as Connector);
    this.#dispatcher = route.transport.connect(route.origin, undici, connector, () => route.lost(this));
    this.dispatch = route.transport.decorate(this.#dispatcher, undici);
  }

  /** The request is over; the connection may be used again. */
  release(): void {
    this.#route.vacate(this);
  }

  /** The request was broken off, and the connection with it. */
  discard(error?: Error): void {
    this.#route.remove(this);
    this.destroy(error);
  }

  destroy(error?: Error): void {
    this.#dispatcher.destroy(error ?? null, () => {});
    // undici would wait for it.
    this.#connecting?.destroy(new Error('nobody waits for the connection any more'));
  }

  /** A connector whose sockets can be destroyed before they are connected. */
  #watch(connect: Connector): Connector {
    return (options, callback) => {
      const done = (...result: [null, Socket]) => {
        this.#connecting = undefined;
        callback(...result);
      };
      const socket = connect(options, done as never) as unknown as Socket | Promise<void>;
      if ('destroy' in socket) this.#connecting = socket;
    };
  }
}

/** The way to an origin. @internal */
export class Route {
  readonly transport: Transport;
  readonly origin: string;
  readonly #most: number;
  readonly #lanes = new Set<Lane>();
  readonly #idle: Lane[] = [];
  #first: Passenger | undefined;
  #last: Passenger | undefined;
  #waiting = 0;

  constructor(transport: Transport, origin: string, most: number) {
    this.transport = transport;
    this.origin = origin;
    this.#most = most;
  }

  /** Finds a lane for a request, now or when its turn comes. */
  enter(passenger: Passenger, undici: Library): void {
    let lane = this.#idle.pop();
    if (lane === undefined && this.#lanes.size < this.#most) {
      lane = new Lane(this, undici);
      this.#lanes.add(lane);
    }
    if (lane !== undefined) passenger.board(lane);
    else this.#queue(passenger);
  }

  /** A request has given up waiting. */
  leave({ before, behind }: Passenger): void {
    if (before === undefined) this.#first = behind;
    else before.behind = behind;
    if (behind === undefined) this.#last = before;
    else behind.before = before;
    this.#waiting--;
  }

  /** A lane is free. */
  vacate(lane: Lane): void {
    if (this.#first === undefined) this.#idle.push(lane);
    else process.nextTick(this.#next, lane); // undici is not quite done with it
  }

  #next = (lane: Lane): void => {
    if (!this.#lanes.has(lane)) return;
    const passenger = this.#first;
    if (passenger === undefined) {
      this.#idle.push(lane);
      return;
    }
    this.leave(passenger);
    passenger.board(lane);
  };

  /** A lane was given up; whoever waits gets a new one. */
  remove(lane: Lane): void {
    this.#lanes.delete(lane);
    if (this.#first !== undefined) process.nextTick(this.#replace);
    else if (this.#lanes.size === 0) this.transport.forget(this);
  }

  #replace = (): void => {
    const passenger = this.#first;
    if (passenger === undefined || this.#lanes.size >= this.#most) return;
    this.leave(passenger);
    this.enter(passenger, this.transport.undici!);
  };

  /** A connection has ended; with it the lane, unless a request is in it, which is told by undici. */
  lost(lane: Lane): void {
    const index = this.#idle.indexOf(lane);
    if (index < 0) return;
    this.#idle.splice(index, 1);
    lane.discard();
  }

  get statistics(): OriginStatistics {
    return { connections: this.#lanes.size, idle: this.#idle.length, waiting: this.#waiting };
  }

  destroy(error: Error | undefined): void {
    for (let passenger = this.#first; passenger !== undefined; passenger = this.#first) {
      this.leave(passenger);
      passenger.refuse(error ?? new Error('the HttpClient was destroyed'));
    }
    for (const lane of this.#lanes) lane.destroy(error);
    this.#lanes.clear();
    this.#idle.length = 0;
  }

  #queue(passenger: Passenger): void {
    passenger.before = this.#last;
    passenger.behind = undefined;
    if (this.#last === undefined) this.#first = passenger;
    else this.#last.behind = passenger;
    this.#last = passenger;
    this.#waiting++;
  }
}

/** @internal */
export class Transport {
  /** The library, since the first request. */
  undici: Library | undefined;
  readonly #plan: TransportPlan;
  readonly #routes = new Map<string, Route>();
  readonly #idle: Event = new Event();
  #connect: Connector | undefined;
  #decompress: Undici.Dispatcher.DispatcherComposeInterceptor | undefined;
  #active = 0;
  #closed = false;

  constructor(plan: TransportPlan) {
    this.#plan = plan;
    this.#idle.set();
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** @throws {InvalidStateError} the client was closed */
  check(): void {
    if (this.#closed) throw new InvalidStateError('the HttpClient was closed: make a new one');
  }

  /** A request begins, from now on until `leave`. */
  enter(): void {
    if (this.#active++ === 0) this.#idle.clear();
  }

  /** A request has ended. */
  leave(): void {
    if (--this.#active > 0) return;
    this.#idle.set();
    if (this.#closed) this.destroy();
  }

  /** The way to an origin. */
  route(origin: string, undici: Library): Route {
    let route = this.#routes.get(origin);
    if (route === undefined) {
      this.undici = undici;
      route = new Route(this, origin, this.#plan.connections);
      this.#routes.set(origin, route);
    }
    return route;
  }

  /** A route without lanes and passengers is not kept. */
  forget(route: Route): void {
    if (this.#routes.get(route.origin) === route) this.#routes.delete(route.origin);
  }

  /** What there is of connections, by origin. */
  statistics(): Record<string, OriginStatistics> {
    return Object.fromEntries([...this.#routes].map(([origin, route]) => [origin, route.statistics]));
  }

  /** Takes no more requests; the event is set when all have ended. */
  close(): Event {
    this.#closed = true;
    if (this.#active === 0) this.destroy();
    return this.#idle;
  }

  /** Ends all requests with an error, and all connections. */
  destroy(): void {
    this.#closed = true;
    const { undici } = this;
    if (undici === undefined) return;
    const routes = [...this.#routes.values()];
    this.#routes.clear();
    for (const route of routes) route.destroy(new undici.errors.ClientDestroyedError('the HttpClient was destroyed'));
  }

  /** Makes the connection of a lane, which calls `lost` when it has ended. @internal */
  connect(
    origin: string,
    undici: Library,
    watch: (connect: unknown) => Connector,
    lost: () => void,
  ): Undici.Dispatcher {
    const { proxy, connectTimeout } = this.#plan;
    const makeClient = (origin: string | URL, settings: Undici.Client.Options): Undici.Client =>
      new undici.Client(origin, settings).on('disconnect', lost);
    if (proxy === undefined) {
      // One for all, since it keeps the sessions of TLS.
      this.#connect ??= undici.buildConnector(this.#connectOptions());
      return makeClient(origin, { ...this.#clientOptions(), connect: watch(this.#connect) });
    }
    const watched = (settings: Undici.Client.Options): Undici.Client.Options =>
      typeof settings.connect === 'function' ? { ...settings, connect: watch(settings.connect) } : settings;
    const { url, headers, tls, tunnel } = proxy;
    const options = {
      ...this.#clientOptions(),
      connections: 1,
      factory: (origin: string | URL, settings: Undici.Client.Options) => makeClient(origin, watched(settings)),
      // The proxy's answer to CONNECT is a part of connecting.
      clientFactory: (origin: URL, settings: Undici.Client.Options) =>
        new undici.Client(origin, { ...watched(settings), headersTimeout: connectTimeout }),
      requestTls: this.#connectOptions(),
      proxyTls: { ...tls, timeout: connectTimeout },
      proxyTunnel: tunnel,
      headers: { ...headers },
    };
    if (url !== undefined) return new undici.ProxyAgent({ ...options, uri: url } as never);
    return new undici.EnvHttpProxyAgent({ ...options, connect: this.#connectOptions() } as never);
  }

  /** How a request is handed to the dispatcher of a lane. @internal */
  decorate(dispatcher: Undici.Dispatcher, undici: Library): Dispatch {
    const { decompress, proxy } = this.#plan;
    const dispatch: Dispatch =
      proxy === undefined
        ? (options, handler) => dispatcher.dispatch(options, handler)
        : // A proxy adds its own to the header fields that it is given, which are shared between requests.
          (options, handler) => dispatcher.dispatch({ ...options, headers: { ...options.headers } as never }, handler);
    if (!decompress) return dispatch;
    this.#decompress ??= quietly(() => undici.interceptors.decompress({ skipErrorResponses: false }));
    return this.#decompress((options, handler) => dispatch(options, new FinalAnswer(handler)));
  }

  #clientOptions(): Undici.Client.Options {
    const { keepAliveTimeout, headersTimeout, bodyTimeout, localAddress } = this.#plan;
    const options: Undici.Client.Options = {};
    if (keepAliveTimeout !== undefined) options.keepAliveTimeout = keepAliveTimeout;
    if (headersTimeout !== undefined) options.headersTimeout = headersTimeout;
    if (bodyTimeout !== undefined) options.bodyTimeout = bodyTimeout;
    if (localAddress !== undefined) options.localAddress = localAddress;
    return options;
  }

  #connectOptions(): Undici.buildConnector.BuildOptions {
    const { connectTimeout, socketPath, tls } = this.#plan;
    return { ...tls, timeout: connectTimeout, socketPath: socketPath ?? null } as Undici.buildConnector.BuildOptions;
  }
}

/** undici warns that its interceptor may change: of interest to who writes this file, not to who runs a program. */
function quietly<T>(fn: () => T): T {
  const { emitWarning } = process;
  process.emitWarning = () => {};
  try {
    return fn();
  } finally {
    process.emitWarning = emitWarning;
  }
}

/** `UdpSocket`: datagrams, sent and received by calls that suspend. */
import { createSocket, type Socket as NativeSocket } from 'node:dgram';
import { isIP } from 'node:net';
import { checkInteger, checkOptions, checkTimeout, show } from '../core/check.ts';
import { composite } from '../core/dev.ts';
import { InvalidStateError, SocketClosedError } from '../core/errors.ts';
import { hub } from '../core/hub.ts';
import type { Coroutine, Operation } from '../core/operation.ts';
import { shield } from '../core/shield.ts';
import { withTimeout } from '../core/timeout.ts';
import { Lock } from '../sync/lock.ts';
import { type Address, Endpoint, parseAddress } from './address.ts';
import { dns } from './dns.ts';
import type { TransferOptions } from './socket.ts';
import { bytesOf } from './transfer.ts';
import { type Datagram, Inbox, RecvDatagram, RecvFrom } from './udp-socket-inbox.ts';
import { Request, Requests } from './udp-socket-request.ts';

/** Options of `UdpSocket`. */
export interface UdpSocketOptions {
  /** 4, the default: for IPv4; 6: for IPv6, and for IPv4 as well if it is bound to `::`. */
  readonly family?: 4 | 6 | undefined;
  /** No IPv4 on an IPv6 address. */
  readonly ipv6Only?: boolean | undefined;
  /** Whether others may be bound to the same address, as multicast needs it. */
  readonly reuseAddr?: boolean | undefined;
  /** Whether datagrams may be sent to broadcast addresses. */
  readonly broadcast?: boolean | undefined;
  /** How many datagrams, of up to 64 KiB each, wait to be received: 1,024 by default. The oldest makes room for one more. */
  readonly maxDatagrams?: number | undefined;
  /** The size of the system's own receive buffer in bytes. */
  readonly recvBufferSize?: number | undefined;
  /** The size of the system's own send buffer in bytes. */
  readonly sendBufferSize?: number | undefined;
}

/** What `socket.statistics()` gives. */
export interface UdpSocketStatistics {
  /** Datagrams that came so far. */
  readonly received: number;
  /** Those of them that had to make room, since nobody received them. What the system drops is not known. */
  readonly dropped: number;
  /** Datagrams that nobody has received yet. */
  readonly waiting: number;
  /** Datagrams that were sent so far. */
  readonly sent: number;
  /** Calls that wait for the system to send, to bind or to connect. */
  readonly pending: number;
}

/**
 * A socket for datagrams. It is bound by `bind`, or to any free port by the first `sendto` or `connect`; from then on
 * it receives, and keeps the process alive until it is closed. Follows a datagram socket of Python, on `node:dgram`.
 *
 * One greenlet may receive at a time; a second gets `ConcurrentObjectUseError`. Any number may send. A kill or timeout
 * leaves the socket usable, and the datagrams that are there. What the system reports of a connected peer, such as
 * `ECONNREFUSED`, is thrown once: where somebody is blocked receiving, or else by the next call.
 *
 * @example
 * ```ts
 * import { run } from 'genlet';
 * import { UdpSocket } from 'genlet/io';
 *
 * await run(function* () {
 *   using server = new UdpSocket();
 *   yield* server.bind('127.0.0.1:0');
 *   using client = new UdpSocket();
 *   yield* client.sendto('hello', server.address);
 *   const { data, address } = yield* server.recvfrom({ timeout: 1000 });
 *   yield* server.sendto(`you said ${data}`, address);
 *   console.log(String(yield* client.recv())); // => you said hello
 * });
 * ```
 */
export class UdpSocket {
  readonly #socket: NativeSocket;
  readonly #family: 4 | 6;
  readonly #inbox: Inbox;
  readonly #requests: Requests = new Requests();
  readonly #binding: Lock = new Lock();
  #state: 'unbound' | 'binding' | 'bound' = 'unbound';
  /** The end of binding. */
  #bound: (error?: Error) => void = () => {};
  #address: Endpoint = new Endpoint('', 0);
  #remote: Endpoint | undefined = undefined;
  #timeout: number | undefined = undefined;
  #sent = 0;
  #closed: SocketClosedError | undefined = undefined;

  /**
   * @throws {RangeError} `family` is not 4 or 6, or `maxDatagrams` no whole number of 1 or more
   */
  constructor(options: UdpSocketOptions = {}) {
    checkOptions(options, '{ family, broadcast, maxDatagrams, … }');
    const { family = 4, maxDatagrams = 1024, broadcast = false, ...others } = options;
    if (family !== 4 && family !== 6) throw new RangeError(`family is ${show(family)}: give 4 or 6`);
    this.#family = family;
    this.#inbox = new Inbox(this, checkInteger('maxDatagrams', maxDatagrams, 1));
    const socket = createSocket({ ...(others as object), type: family === 4 ? 'udp4' : 'udp6' });
    socket.on('listening', () => {
      this.#address = endpointOf(socket.address());
      if (broadcast) socket.setBroadcast(true);
      this.#bound();
    });
    socket.on('message', (data, from) => this.#inbox.push({ data, address: endpointOf(from) }));
    socket.on('error', (error) => {
      if (this.#state === 'binding') this.#bound(error);
      else this.#inbox.report(error);
    });
    this.#socket = socket;
  }

  /** Where it is bound; host `''` and port 0 while it is not. */
  get address(): Endpoint {
    return this.#address;
  }

  /** Whom it is connected to. */
  get remote(): Endpoint | undefined {
    return this.#remote;
  }

  /** How long each call may block, in milliseconds; `undefined`, the default, for ever. Follows `socket.settimeout`. */
  get timeout(): number | undefined {
    return this.#timeout;
  }

  set timeout(timeout: number | null | undefined) {
    this.#timeout = checkTimeout(timeout);
  }

  /** Whether `close()` was called. */
  get closed(): boolean {
    return this.#closed !== undefined;
  }

  /** Counters of this moment. */
  statistics(): UdpSocketStatistics {
    const { received, dropped, size } = this.#inbox;
    return { received, dropped, waiting: size, sent: this.#sent, pending: this.#requests.size };
  }

  /**
   * Binds it to a local address; port 0 means any free one, no host all interfaces. Suspends; a kill ends the look-up of
   * a name, but not the binding itself, which takes no time. Follows `socket.bind`.
   *
   * @throws {SocketClosedError} the socket was closed
   * @throws the system's error, with `code` `EADDRINUSE`, …; `ERR_SOCKET_ALREADY_BOUND`
   */
  bind(address: Address): Operation<void> {
    return composite('UdpSocket.bind()', this.#bind(placeOf(address)));
  }

  *#bind(place: Endpoint): Coroutine<void> {
    const host = place.host === '' ? '' : yield* this.#resolve(place);
    yield* this.#binding.acquire();
    try {
      yield* this.#bindNow(new Endpoint(host, place.port));
    } finally {
      this.#binding.release();
    }
  }

  /** Node would do it with the first datagram, and forget that if it fails. */
  *#bindIfNeeded(): Coroutine<void> {
    if (this.#state === 'bound') return;
    yield* this.#binding.acquire();
    try {
      if (this.#state === 'unbound') yield* this.#bindNow(new Endpoint('', 0));
    } finally {
      this.#binding.release();
    }
  }

  #bindNow(place: Endpoint): Operation<void> {
    const begin = (done: (error?: Error) => void) => {
      const socket = this.#open();
      const { host, port } = place;
      socket.bind({ port, ...(host === '' ? {} : { address: host }) });
      this.#state = 'binding';
      this.#bound = (error) => {
        this.#state = error === undefined ? 'bound' : 'unbound';
        done(error);
      };
    };
    return shield(() => new Request<void>(this.#requests, `${this}.bind(${place})`, begin, undefined));
  }

  /**
   * Sets the only peer: `send` sends to it, datagrams from others are not received, and its refusals are reported.
   * Suspends; a kill ends the look-up of a name, but not what comes then, which takes no time. Follows `socket.connect`.
   *
   * @throws {SocketClosedError} the socket was closed
   * @throws the system's error; `ERR_SOCKET_DGRAM_IS_CONNECTED`: call `disconnect()` first
   */
  connect(address: Address): Operation<void> {
    return composite('UdpSocket.connect()', this.#connect(placeOf(address)));
  }

  *#connect(place: Endpoint): Coroutine<void> {
    const host = yield* this.#resolve(place);
    yield* this.#bindIfNeeded();
    const begin = (done: (error?: Error) => void) =>
      this.#open().connect(place.port, host, (error?: Error) => {
        if (error === undefined) {
          this.#remote = new Endpoint(host, place.port);
          this.#address = endpointOf(this.#socket.address());
        }
        done(error);
      });
    yield* shield(() => new Request<void>(this.#requests, `${this}.connect(${place})`, begin, undefined));
  }

  /**
   * Takes `connect` back, without suspending. Linux takes back a port that it had chosen, too: `address` has port 0 then,
   * and another one with the next datagram that is sent.
   */
  disconnect(): void {
    this.#open().disconnect();
    this.#remote = undefined;
    this.#address = endpointOf(this.#socket.address());
  }

  // ---- sending

  /**
   * Sends a datagram, a string as UTF-8, and gives the number of its bytes. Suspends until the system has taken it, which
   * says nothing about its arrival; a name is looked up each time. After a kill or timeout it may be sent all the same.
   * The bytes are not copied: leave them as they are meanwhile. Follows `socket.sendto`.
   *
   * @throws {Timeout} the system did not take it in time
   * @throws {SocketClosedError} the socket was closed
   * @throws the system's error, such as `EMSGSIZE`
   */
  sendto(data: string | Uint8Array, address: Address, options?: TransferOptions): Operation<number> {
    const bytes = bytesOf('data', data);
    const place = placeOf(address);
    const limit = this.#limit(options);
    if (this.#state === 'bound' && isIP(place.host) !== 0) return this.#sendNow(bytes, place, limit);
    const send = () => this.#prepareAndSend(bytes, place);
    return limit === undefined ? composite('UdpSocket.sendto()', send()) : withTimeout(limit, send);
  }

  *#prepareAndSend(bytes: Uint8Array, place: Endpoint): Coroutine<number> {
    this.#open();
    const host = yield* this.#resolve(place);
    yield* this.#bindIfNeeded();
    return yield* this.#sendNow(bytes, new Endpoint(host, place.port), undefined);
  }

  /**
   * As `sendto`, to the peer that was given to `connect`. Follows `socket.send`.
   *
   * @throws {InvalidStateError} it is not connected
   */
  send(data: string | Uint8Array, options?: TransferOptions): Operation<number> {
    return this.#sendNow(bytesOf('data', data), undefined, this.#limit(options));
  }

  #sendNow(bytes: Uint8Array, place: Endpoint | undefined, limit: number | undefined): Operation<number> {
    const begin = (callback: (error: Error | null, size?: number) => void) => {
      this.#inbox.check();
      const done = (error: Error | null, size?: number) => {
        if (error === null) this.#sent++;
        if (this.#address.port === 0 && !this.closed) this.#address = endpointOf(this.#socket.address());
        callback(error, size);
      };
      if (place !== undefined) this.#socket.send(bytes, place.port, place.host, done);
      else if (this.#remote !== undefined) this.#socket.send(bytes, done);
      else throw new InvalidStateError(`${this} is not connected: connect() it, or use sendto()`);
    };
    const call = place === undefined ? 'send()' : `sendto(${place})`;
    return new Request<number>(this.#requests, `${this}.${call}`, begin, limit);
  }

  // ---- receiving

  /**
   * Gives the next datagram, which may be empty, and its sender. Suspends while there is none. Follows
   * `socket.recvfrom`.
   *
   * @throws {Timeout} nothing came in time
   * @throws {SocketClosedError} the socket was closed
   * @throws {ConcurrentObjectUseError} another greenlet is blocked receiving
   * @throws what the system reports of the peer, such as `ECONNREFUSED`
   */
  recvfrom(options?: TransferOptions): Operation<Datagram> {
    return new RecvFrom(this.#inbox, 'recvfrom()', this.#limit(options));
  }

  /** As `recvfrom`, and gives the bytes alone. Follows `socket.recv`. */
  recv(options?: TransferOptions): Operation<Buffer> {
    return new RecvDatagram(this.#inbox, 'recv()', this.#limit(options));
  }

  // ---- options of the system; the socket must be bound

  /** Whether datagrams may be sent to broadcast addresses. As `setBroadcast` of `node:dgram`; so are all that follow. */
  setBroadcast(broadcast: boolean): void {
    this.#open().setBroadcast(broadcast);
  }

  /** The size of the system's receive buffer in bytes, as the system counts them. */
  getRecvBufferSize(): number {
    return this.#open().getRecvBufferSize();
  }

  /** The size of the system's send buffer in bytes, as the system counts them. */
  getSendBufferSize(): number {
    return this.#open().getSendBufferSize();
  }

  /** How many routers a datagram may pass: 1 to 255. */
  setTTL(ttl: number): void {
    this.#open().setTTL(ttl);
  }

  /** How many routers a multicast datagram may pass: 0 to 255; 1 by default. */
  setMulticastTTL(ttl: number): void {
    this.#open().setMulticastTTL(ttl);
  }

  /** Whether multicast datagrams come back to this host. */
  setMulticastLoopback(loopback: boolean): void {
    this.#open().setMulticastLoopback(loopback);
  }

  /** From which interface multicast datagrams are sent. */
  setMulticastInterface(multicastInterface: string): void {
    this.#open().setMulticastInterface(multicastInterface);
  }

  /** Joins a multicast group, on all interfaces unless one is given. */
  addMembership(multicastAddress: string, multicastInterface?: string): void {
    this.#open().addMembership(multicastAddress, multicastInterface);
  }

  /** Leaves a multicast group. */
  dropMembership(multicastAddress: string, multicastInterface?: string): void {
    this.#open().dropMembership(multicastAddress, multicastInterface);
  }

  /** Joins a multicast group for the datagrams of one sender. */
  addSourceSpecificMembership(sourceAddress: string, groupAddress: string, multicastInterface?: string): void {
    this.#open().addSourceSpecificMembership(sourceAddress, groupAddress, multicastInterface);
  }

  /** Leaves a multicast group for the datagrams of one sender. */
  dropSourceSpecificMembership(sourceAddress: string, groupAddress: string, multicastInterface?: string): void {
    this.#open().dropSourceSpecificMembership(sourceAddress, groupAddress, multicastInterface);
  }

  // ---- the end

  /**
   * Closes the socket, without suspending: whoever is blocked on it gets `SocketClosedError`, datagrams that nobody has
   * received are dropped. A second call does nothing. Follows `socket.close`.
   */
  close(): void {
    if (this.#closed !== undefined) return;
    this.#closed = new SocketClosedError(`${this} was closed by ${hub.current ?? 'a callback'}`);
    this.#socket.close();
    this.#inbox.close(this.#closed);
    this.#requests.fail(this.#closed);
  }

  /** Makes `using` close it. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** `UdpSocket 127.0.0.1:53`, with its own address. */
  toString(): string {
    return `UdpSocket ${this.#address}`;
  }

  #open(): NativeSocket {
    if (this.#closed !== undefined) throw this.#closed;
    return this.#socket;
  }

  #limit(options: TransferOptions | undefined): number | undefined {
    return options?.timeout === undefined ? this.#timeout : checkTimeout(options.timeout);
  }

  /** The IP address of another side. */
  *#resolve({ host }: Endpoint): Coroutine<string> {
    if (host === '') return this.#family === 4 ? '127.0.0.1' : '::1';
    if (isIP(host) !== 0) return host;
    return (yield* dns.lookup(host, this.#family)).address;
  }
}

/** @internal */
export function placeOf(address: Address): Endpoint {
  const place = parseAddress(address);
  if (place.path === undefined) return place;
  throw new TypeError(`address is ${show(address)}: datagrams go to a host and a port`);
}

function endpointOf({ address, port }: { readonly address: string; readonly port: number }): Endpoint {
  return new Endpoint(address, port);
}

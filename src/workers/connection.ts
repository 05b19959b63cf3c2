/**
 * `Connection`: values to and from somebody else, one by one, in order.
 *
 * It knows nothing of what is below: a pipe to a process, a socket, a port of a thread. It keeps who waits, and what has
 * arrived and was not asked for yet; a value is decoded when it is taken, so that what is wrong with it is thrown there.
 */
import { checkOptions, checkTimeout } from '../core/check.ts';
import { BrokenPipeError, ConnectionClosedError, EOFError } from '../core/errors.ts';
import { hub as importedHub } from '../core/hub.ts';
import type { Operation, Resumption, Step } from '../core/operation.ts';
import type { RawGreenlet } from '../core/raw-greenlet.ts';
import { timedOut } from '../core/timeout.ts';
import type { Waitable } from '../core/wait.ts';
import type { BlockOptions } from '../sync/block-options.ts';
import { limitOf } from '../sync/block-options.ts';
import { LotCall } from '../sync/lot-call.ts';
import { ParkingLot } from '../sync/parking-lot.ts';
import { ReadyLinks } from '../sync/ready-links.ts';
import { Ring } from '../sync/ring.ts';

// A constant of this module, not an imported binding: see `State`.
const hub = importedHub;

/**
 * What is below a connection: carries frames, of a kind of its own, in order. @internal
 *
 * It calls `arrive`, `drained` and `end` of the connection from ordinary code or hub callbacks.
 */
export interface FrameTransport<F = any> {
  /** Begins to deliver to the connection; called once, by its constructor. May deliver at once. */
  attach(connection: Connection): void;
  /** The frame of a value; throws if it can't be sent. Nothing is sent yet. */
  encode(value: unknown): F;
  /** The value of a frame that arrived. */
  decode(frame: F): unknown;
  /** Whether more may be sent. It must call `drained()` when this gets true again. */
  readonly writable: boolean;
  /** Sends a frame; called while it is `writable` only. */
  send(frame: F): void;
  /** The connection has taken the frame: the other side may send as much more. */
  taken(frame: F): void;
  /** Takes note that a greenlet waits (1) or no longer waits (-1): keeps the process alive in between. */
  hold(by: 1 | -1): void;
  /** Lets the other side know that nobody is here any more, who would take `unread`. Called once. */
  close(unread: F[]): void;
}

/** What a connection can be used for. @internal */
export interface Directions {
  readonly readable?: boolean;
  readonly writable?: boolean;
}

/**
 * One end of a connection that carries values. Follows `multiprocessing.connection.Connection`; `Pipe()` makes two of
 * them. What is sent arrives as a structured clone: objects, arrays, maps, typed arrays and so on, without their classes.
 *
 * It can be given to `wait()` and `iwait()`: ready when `recv()` would not block. `using` closes it.
 *
 * @example
 * ```ts
 * import { run } from 'genlet';
 * import { Pipe } from 'genlet/workers';
 *
 * await run(function* () {
 *   const [here, there] = Pipe();
 *   yield* here.send({ question: 6 * 7 });
 *   console.log(yield* there.poll()); // => true
 *   console.log(yield* there.recv()); // => { question: 42 }
 * });
 * ```
 */
export class Connection<T = any> implements Waitable, Disposable {
  /** Where values come from; `undefined` once it was closed, or moved away. @internal */
  transport: FrameTransport | undefined;
  /** Frames that nobody has asked for yet. @internal */
  readonly inbox: Ring<unknown> = new Ring();
  /** @internal */
  readonly receivers: ParkingLot = new ParkingLot(this, 'recv');
  /** @internal */
  readonly pollers: ParkingLot = new ParkingLot(this, 'poll');
  /** @internal */
  readonly senders: ParkingLot = new ParkingLot(this, 'send');
  readonly #links = new ReadyLinks(this, () => this.ready());
  /** Why nothing will arrive any more. @internal */
  ended: Error | undefined;
  /** Where it went, if it was sent to another process. @internal */
  moved = false;
  /** Whether values can be received. */
  readonly readable: boolean;
  /** Whether values can be sent. */
  readonly writable: boolean;

  /** @internal */
  constructor(transport: FrameTransport, { readable = true, writable = true }: Directions = {}) {
    this.transport = transport;
    this.readable = readable;
    this.writable = writable;
    transport.attach(this);
  }

  /** Whether this end was closed, or moved to another process. */
  get closed(): boolean {
    return this.transport === undefined;
  }

  /** Whether `recv()` would not block: there is a value, or none will come. */
  ready(): boolean {
    return this.inbox.size > 0 || this.ended !== undefined || this.closed;
  }

  /**
   * Sends a value. Suspends while the other side is behind (a megabyte, for processes); a kill then sends nothing.
   * Senders are served in the order of their calls. What it takes from the value it takes when it is performed.
   *
   * @throws {BrokenPipeError} nobody is at the other end any more
   * @throws {ConnectionClosedError} this end was closed, also while it waited; or it can't send
   * @throws {UncloneableError} the value can't be sent: it contains a function, say
   */
  send(value: T): Operation<void> {
    return new Send(this, value);
  }

  /**
   * Takes the next value. Suspends until there is one; a kill takes nothing. Receivers are served in the order of their
   * calls.
   *
   * @throws {EOFError} all was taken, and the other end is closed
   * @throws {ConnectionClosedError} this end was closed, also while it waited; or it can't receive
   * @throws {Timeout} no value within `timeout` ms, or not at once with `block: false`
   * @throws {RangeError} `timeout` is negative or NaN
   */
  recv(options?: BlockOptions): Operation<T> {
    checkOptions(options, '{ timeout: milliseconds } or { block: false }');
    return new Receive(this, limitOf(options));
  }

  /**
   * Whether `recv()` would not block, now or within `timeout` milliseconds; `null` waits for ever. Also `true` at the
   * end, which `recv()` would tell. Suspends; a kill ends the wait, and nothing is taken.
   *
   * @throws {ConnectionClosedError} this end was closed, also while it waited; or it can't receive
   * @throws {RangeError} `timeout` is negative or NaN
   */
  poll(timeout: number | null = 0): Operation<boolean> {
    return new Poll(this, checkTimeout(timeout));
  }

  /** Closes this end: who waits here gets a `ConnectionClosedError`, the other end its end. Again: nothing happens. */
  close(): void {
    const { transport } = this;
    if (transport === undefined) return;
    transport.close(this.leave('was closed'));
  }

  /** As `close()`. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** Calls `callback(connection)` in the hub, once, when `recv()` would not block; in the next pass if it is so already. */
  rawlink(callback: (connection: this) => void): void {
    this.#links.add(callback);
    if (this.ready()) this.#links.notify();
  }

  /** Takes a link back; nothing happens if there is none. */
  unlink(callback: (connection: this) => void): void {
    this.#links.remove(callback);
  }

  // ---- for the transport

  /** A frame has arrived. @internal */
  arrive(frame: unknown): void {
    const receiver = this.receivers.shift();
    if (receiver === null) {
      this.inbox.add(frame);
      this.pollers.wakeAll(true);
      this.#links.notify();
    } else receiver.wake(frame);
  }

  /** More may be sent. @internal */
  drained(): void {
    while (this.transport?.writable) {
      const sender = this.senders.shift();
      if (sender === null) return;
      try {
        this.transport.send(sender.slot);
        sender.wake(undefined);
      } catch (error) {
        sender.fail(error);
      }
    }
  }

  /** Nothing will arrive any more, and nothing can be sent. @internal */
  end(reason?: Error): void {
    if (this.ended !== undefined || this.closed) return;
    this.ended = reason ?? new EOFError('the other end was closed');
    for (let waiter = this.receivers.shift(); waiter !== null; waiter = this.receivers.shift()) {
      waiter.fail(this.endError());
    }
    for (let waiter = this.senders.shift(); waiter !== null; waiter = this.senders.shift()) {
      waiter.fail(this.brokenError());
    }
    this.pollers.wakeAll(true);
    this.#links.notify();
  }

  /** The end was closed here or moves elsewhere: nobody may wait here any more. Gives what was not taken. @internal */
  leave(why: string): unknown[] {
    this.transport = undefined;
    const unread: unknown[] = [];
    while (this.inbox.size > 0) unread.push(this.inbox.take());
    for (const lot of [this.receivers, this.senders, this.pollers]) {
      for (let waiter = lot.shift(); waiter !== null; waiter = lot.shift()) {
        waiter.fail(new ConnectionClosedError(`the Connection ${why} while ${lot.describe()} waited`));
      }
    }
    this.#links.notify();
    return unread;
  }

  // ---- for the operations

  /** @internal */
  open(call: string, direction?: 'readable' | 'writable'): FrameTransport {
    const { transport } = this;
    if (transport === undefined) {
      const why = this.moved ? 'was sent to another process' : 'was closed';
      throw new ConnectionClosedError(`${call} of a Connection that ${why}`);
    }
    if (direction === undefined || this[direction]) return transport;
    throw new ConnectionClosedError(
      `${call} at the ${direction === 'readable' ? 'sending' : 'receiving'} end of a pipe`,
    );
  }

  /** @internal */
  endError(): Error {
    return new EOFError(`Connection.recv(): ${this.ended!.message}`, { cause: this.ended });
  }

  /** @internal */
  brokenError(): Error {
    return new BrokenPipeError(`Connection.send(): ${this.ended!.message}`, { cause: this.ended });
  }
}

/** A call that keeps the process alive while it is blocked. */
abstract class ConnectionCall<T> extends LotCall<T> {
  protected readonly connection: Connection;
  #held: FrameTransport | undefined;

  constructor(connection: Connection, lot: ParkingLot, limit: number | undefined) {
    super(lot, limit);
    this.connection = connection;
  }

  protected hold(me: RawGreenlet, transport: FrameTransport): Step {
    const step = this.blockHere(me);
    this.#held = transport;
    transport.hold(1);
    return step;
  }

  protected letGo(): void {
    this.deadline?.cancel();
    this.#held?.hold(-1);
    this.#held = undefined;
  }

  override cancel(me: RawGreenlet): void {
    super.cancel(me);
    this.letGo();
  }

  override throw(error: unknown): never {
    this.letGo();
    throw error;
  }
}

class Send extends ConnectionCall<void> {
  readonly #value: unknown;

  constructor(connection: Connection, value: unknown) {
    super(connection, connection.senders, undefined);
    this.#value = value;
  }

  next(resumed?: Resumption): Step {
    if (resumed !== undefined) {
      this.letGo();
      return resumed;
    }
    const me = hub.self(this, arguments.length);
    const { connection } = this;
    const transport = connection.open('send()', 'writable');
    if (connection.ended !== undefined) throw connection.brokenError();
    const frame = transport.encode(this.#value);
    if (transport.writable && connection.senders.size === 0) {
      transport.send(frame);
      return hub.ready(undefined);
    }
    const step = this.hold(me, transport);
    me.slot = frame;
    return step;
  }

  protected giveUp(): void {}
}

class Receive<T> extends ConnectionCall<T> {
  #transport: FrameTransport | undefined;

  constructor(connection: Connection, limit: number | undefined) {
    super(connection, connection.receivers, limit);
  }

  next(resumed?: Resumption): Step {
    if (resumed !== undefined) {
      this.letGo();
      const transport = this.#transport;
      if (transport === undefined) return resumed; // it gave way, with a value or an error
      this.#transport = undefined;
      resumed.value = this.#take(transport, resumed.value);
      return resumed;
    }
    const me = hub.self(this, arguments.length);
    const { connection } = this;
    const transport = connection.open('recv()', 'readable');
    if (connection.inbox.size > 0) return hub.ready(this.#take(transport, connection.inbox.take()));
    if (connection.ended !== undefined) return hub.refuse(connection.endError());
    if (this.limit === 0) return hub.refuse(timedOut('Connection.recv()', 0));
    const step = this.hold(me, transport);
    this.#transport = transport;
    return step;
  }

  #take(transport: FrameTransport, frame: unknown): T {
    try {
      return transport.decode(frame) as T;
    } finally {
      transport.taken(frame);
    }
  }

  override throw(error: unknown): never {
    this.#transport = undefined;
    return super.throw(error);
  }

  protected giveUp(me: RawGreenlet): void {
    me.fail(timedOut('Connection.recv()', this.limit!));
  }
}

class Poll extends ConnectionCall<boolean> {
  constructor(connection: Connection, limit: number | undefined) {
    super(connection, connection.pollers, limit);
  }

  next(resumed?: Resumption): Step {
    if (resumed !== undefined) {
      this.letGo();
      return resumed;
    }
    const me = hub.self(this, arguments.length);
    const { connection } = this;
    const transport = connection.open('poll()', 'readable');
    if (connection.ready()) return hub.ready(true);
    return this.limit === 0 ? hub.ready(false) : this.hold(me, transport);
  }

  protected giveUp(me: RawGreenlet): void {
    me.wake(false);
  }
}

/**
 * `Pipe`, and what carries its connections: channels, whose sender may be a megabyte ahead.
 */
import { ConnectionClosedError } from '../../core/errors.ts';
import { Connection, type Directions, type FrameTransport } from '../connection.ts';
import { CROSS, type Parcel, registerCrossing } from '../crossing.ts';
import { ChannelEnd, dropFrame, type Sink } from './channel-end.ts';
import { commit, type Draft, decode, encode, type Frame, sizeOf } from './frame.ts';
import { holdLinks } from './links.ts';

/** How many bytes may be on their way. */
const WINDOW = 1024 * 1024;

class ChannelTransport implements FrameTransport<any>, Sink {
  readonly #end: ChannelEnd;
  #connection!: Connection;
  /** Sent, as far as is known not taken. */
  #ahead = 0;
  /** Taken, and not yet told to the other side. */
  #taken = 0;

  constructor(end: ChannelEnd) {
    this.#end = end;
  }

  attach(connection: Connection): void {
    this.#connection = connection;
    this.#end.attach(this);
  }

  encode(value: unknown): Draft {
    return encode(value);
  }

  decode(frame: Frame): unknown {
    return decode(frame);
  }

  get writable(): boolean {
    return this.#ahead < WINDOW;
  }

  send(draft: Draft): void {
    this.#ahead += sizeOf(draft);
    this.#end.send(commit(draft));
  }

  taken(frame: Frame): void {
    this.#taken += sizeOf(frame);
    if (this.#taken >= WINDOW / 4) this.#tell();
  }

  #tell(): void {
    if (this.#taken > 0) this.#end.grant(this.#taken);
    this.#taken = 0;
  }

  hold(by: 1 | -1): void {
    holdLinks(by);
  }

  close(unread: Frame[]): void {
    for (const frame of unread) dropFrame(frame);
    this.#end.close();
  }

  /** Gives the end away, with what was not read. */
  giveUp(unread: Frame[]): ChannelEnd {
    this.#tell();
    this.#end.detach(unread);
    return this.#end;
  }

  // ---- as the sink of its end

  frame(frame: Frame): void {
    this.#connection.arrive(frame);
  }

  credit(bytes: number): void {
    this.#ahead = Math.max(0, this.#ahead - bytes);
    this.#connection.drained();
  }

  end(reason: Error | undefined): void {
    this.#connection.end(reason);
  }
}

/** A connection that can be sent to another process. */
class PipeConnection<T> extends Connection<T> {
  [CROSS](): Parcel {
    const { readable, writable } = this;
    this.open('sending');
    return { kind: 'Connection', data: { readable, writable }, end: () => this.#giveAway() };
  }

  #giveAway(): ChannelEnd {
    const { transport } = this;
    if (transport === undefined) throw new ConnectionClosedError('the Connection was closed before it could be sent');
    this.moved = true;
    return (transport as ChannelTransport).giveUp(this.leave('was sent to another process') as Frame[]);
  }
}
Object.defineProperty(PipeConnection, 'name', { value: 'Connection' });

registerCrossing('Connection', (data: Directions, end) => connectionAt(end!, data));

/** @internal */
export function connectionAt<T>(end: ChannelEnd, directions?: Directions): Connection<T> {
  return new PipeConnection<T>(new ChannelTransport(end), directions);
}

/**
 * Two connections, each the other end of the other one; with `duplex = false`, the first can only receive and the second
 * only send. Follows `multiprocessing.Pipe`.
 *
 * Both may stay here, between greenlets; or go to other processes as arguments of a `Process`, or through a connection or
 * queue. An end that is sent moves: the one here is closed then, and what has come and was not received yet comes out
 * over there. When a process ends, so do the connections that it has, and who receives at the other ends gets `EOFError`.
 *
 * @example
 * ```ts
 * import { type Connection, main, Pipe, Process } from 'genlet/workers';
 *
 * export function* double(connection: Connection<number>) {
 *   for (let left = 2; left > 0; left--) yield* connection.send(2 * (yield* connection.recv()));
 * }
 *
 * main(import.meta.url, function* () {
 *   const [here, there] = Pipe<number>();
 *   new Process(double, [there]).start();
 *   yield* here.send(1);
 *   yield* here.send(21);
 *   console.log(yield* here.recv(), yield* here.recv()); // => 2 42
 *   yield* here.poll(null); // until it has ended
 *   try {
 *     yield* here.recv();
 *   } catch (error) {
 *     console.log((error as Error).name); // => EOFError
 *   }
 * });
 * ```
 */
export function Pipe<T = any>(duplex = true): [Connection<T>, Connection<T>] {
  if (typeof duplex !== 'boolean') throw new TypeError(`duplex is ${String(duplex)}: give true or false`);
  const [one, other] = ChannelEnd.pair();
  return [connectionAt<T>(one, { writable: duplex }), connectionAt<T>(other, { readable: duplex })];
}

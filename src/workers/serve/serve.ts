/** `serve`: one server on several cores. */

import type { Socket } from 'node:net';
import { availableParallelism } from 'node:os';
import { checkInteger, checkOptions, checkTimeout, show } from '../../core/check.ts';
import { composite } from '../../core/dev.ts';
import { BrokenPoolError, InvalidStateError } from '../../core/errors.ts';
import { hub } from '../../core/hub.ts';
import type { Coroutine, Operation } from '../../core/operation.ts';
import { shield } from '../../core/shield.ts';
import { sleep } from '../../core/sleep.ts';
import { spawn } from '../../core/spawn.ts';
import { Endpoint } from '../../io/address.ts';
import { Event } from '../../sync/event.ts';
import { Group } from '../../sync/group.ts';
import { checkNotImporting, programUrl, type Referable, referenceTo } from '../reference.ts';
import { Door } from './door.ts';
import { Member } from './member.ts';
import { checkMode, chooseMode, type ServeMode } from './mode.ts';
import type { Place, Start } from './protocol.ts';

/** How long `stop` and `restart` let the handlers of a worker finish, unless they are told otherwise, in milliseconds. */
const PATIENCE = 1000;
/** How much longer than its handlers a worker may take to end. */
const GRACE = 1000;
/** So many workers in a row that die before they listen are enough. */
const ATTEMPTS = 3;

/** Options of `serve`. */
export interface ServeOptions {
  /** How many threads or processes: as many as there are cores, by default. */
  readonly workers?: number | undefined;
  /** How they share the address: the best way that there is here, by default. */
  readonly mode?: ServeMode | undefined;
}

/**
 * Runs one server on several cores: `workers` threads, or processes where threads can't share an address, each with a hub
 * and a server of its own, all at one address. `make` makes the server, in each worker; it is an exported function that
 * other threads can find (see `task` and `main`), of any kind, and gives a `StreamServer` or `HttpServer` that was not
 * started. `args` are cloned.
 *
 * Suspends until all listen. A worker that dies is replaced, and reported to `hub.handleError`; its connections are
 * lost. A kill ends the workers. Follows what `node:cluster` and gunicorn do for servers.
 *
 * @throws what `make` throws, or the start of its server; nothing is left then
 * @throws {WorkerDied} a worker ended before it listened
 * @throws {TypeError} `make` can't be found by other threads, or `mode` can't be had here
 * @example
 * ```ts
 * import { createConnection, StreamServer } from 'genlet/io';
 * import { main, serve } from 'genlet/workers';
 *
 * export function echo(port: number): StreamServer {
 *   return new StreamServer(['127.0.0.1', port], function* (socket) {
 *     for (let line; (line = yield* socket.readline()) !== undefined; ) yield* socket.sendall(`${line}\n`);
 *   });
 * }
 *
 * main(import.meta.url, function* () {
 *   const fleet = yield* serve(echo, [0], { workers: 2 });
 *   using socket = yield* createConnection(fleet.address);
 *   yield* socket.sendall('hello\n');
 *   console.log(yield* socket.readline()); // => hello
 *   socket.close();
 *   yield* fleet.stop();
 * });
 * ```
 */
export function serve<A extends unknown[]>(
  make: (...args: A) => unknown,
  args: A,
  options: ServeOptions = {},
): Operation<Fleet> {
  checkOptions(options, '{ workers, mode }');
  const workers = checkInteger('workers', options.workers ?? availableParallelism(), 1);
  const mode = checkMode(options.mode);
  const reference = referenceTo(make as Referable);
  if (!Array.isArray(args)) {
    throw new TypeError(`args is ${show(args)}: give an array, what ${reference.name} is called with`);
  }
  checkNotImporting('serve()');
  return composite('serve()', start(reference, args, workers, mode));
}

function* start(
  make: ReturnType<typeof referenceTo>,
  args: readonly unknown[],
  workers: number,
  asked: ServeMode | undefined,
): Coroutine<Fleet> {
  const mode = yield* chooseMode(asked);
  const fleet = new Fleet({ make, args, mode, program: programUrl() }, workers);
  yield* fleet.open();
  return fleet;
}

/** The workers of one `serve`. */
export class Fleet {
  /** How the workers share the address. */
  readonly mode: ServeMode;
  readonly #setup: Omit<Start, 'name' | 'place'>;
  readonly #size: number;
  #members: Member[] = [];
  /** Replacements under way. */
  readonly #replacements = new Group();
  readonly #stopped = new Event();
  #address: Endpoint | undefined;
  #place: Place | undefined;
  #door: Door | undefined;
  #state: 'open' | 'stopping' | 'stopped' = 'open';
  #failure: Error | undefined;
  #launched = 0;

  /** @internal */
  constructor(setup: Omit<Start, 'name' | 'place'>, size: number) {
    this.#setup = setup;
    this.#size = size;
    this.mode = setup.mode;
  }

  /** Where the servers listen. */
  get address(): Endpoint {
    return this.#address!;
  }

  /** The port of `address`. */
  get port(): number {
    return this.address.port;
  }

  /** How many workers listen. */
  get size(): number {
    return this.#members.length;
  }

  /** Whether `stop` was called, or workers died again and again. */
  get closed(): boolean {
    return this.#state !== 'open';
  }

  /** @internal */
  *open(): Coroutine<void> {
    try {
      const first = yield* this.#launch();
      if (this.mode !== 'reusePort') {
        this.#door = yield* Door.open(this.address, (stream) => this.#hand(stream));
        this.#address = this.#door.address;
      }
      this.#enlist(first);
      const others = new Group();
      try {
        for (let i = 1; i < this.#size; i++) others.spawn(() => this.#add());
        yield* others.join({ raiseError: true });
      } finally {
        yield* others.kill();
      }
    } catch (error) {
      yield* shield(() => this.stop(0));
      throw error;
    }
  }

  *#add(): Coroutine<void> {
    this.#enlist(yield* this.#launch());
  }

  /** Starts a worker, and waits until it listens. */
  *#launch(): Coroutine<Member> {
    const name = `${this.#setup.make.name}-${++this.#launched}`;
    const member = new Member({ ...this.#setup, name, place: this.#place });
    let isUp = false;
    try {
      const place = yield* member.starting();
      this.#address ??= new Endpoint(place.host, place.port, place.path);
      this.#place ??= place;
      isUp = true;
      return member;
    } finally {
      if (!isUp) member.terminate();
    }
  }

  #enlist(member: Member): void {
    this.#members.push(member);
    member.ended.rawlink(() => this.#lost(member));
  }

  #lost(member: Member): void {
    this.#members = this.#members.filter((other) => other !== member);
    if (!member.hasFailed || this.closed) return;
    hub.handleError(member.failure, undefined, `${this}`);
    this.#replacements.spawn(() => this.#replace());
  }

  *#replace(): Coroutine<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        return yield* this.#add();
      } catch (error) {
        if (attempt < ATTEMPTS) {
          hub.handleError(error, undefined, `${this}`);
          yield* sleep(50 * 2 ** attempt);
          continue;
        }
        const message = `${this}: ${ATTEMPTS} workers in a row ended before they listened, so it is given up`;
        this.#failure = new BrokenPoolError(message, { cause: error });
        spawn(() => this.stop());
        return;
      }
    }
  }

  /** Gives a connection to the worker that has the fewest. */
  #hand(stream: Socket): void {
    let least: Member | undefined;
    for (const member of this.#members) {
      if (member.isServing && (least === undefined || member.load < least.load)) least = member;
    }
    if (least === undefined) stream.destroy();
    else least.give(stream);
  }

  /**
   * Waits until the fleet is stopped. A kill, which is what Ctrl-C makes of itself with `signals: true`, stops it, with the
   * usual patience for handlers.
   *
   * @throws {BrokenPoolError} workers died again and again
   */
  serveForever(): Operation<void> {
    return composite('Fleet.serveForever()', this.#serveForever());
  }

  *#serveForever(): Coroutine<void> {
    try {
      yield* this.#stopped.wait();
    } finally {
      yield* this.stop();
    }
    if (this.#failure !== undefined) throw this.#failure;
  }

  /**
   * Replaces all workers, one after the other: the new one listens before the old one stops, which has `timeout`
   * milliseconds for its handlers (1,000 by default, `null` for ever). Clients notice nothing but the end of idle
   * connections; by `reusePort`, the system resets connections that the old one has not accepted when it stops. Suspends;
   * after a kill some workers are new.
   *
   * @throws {InvalidStateError} the fleet was stopped
   * @throws what the new server's making or start throws; the old one goes on
   */
  restart(timeout: number | null = PATIENCE): Operation<void> {
    return composite('Fleet.restart()', this.#restart(checkTimeout(timeout) ?? null));
  }

  *#restart(timeout: number | null): Coroutine<void> {
    this.#checkOpen();
    for (const old of [...this.#members]) {
      yield* this.#add();
      this.#checkOpen();
      yield* end(old, timeout);
    }
  }

  #checkOpen(): void {
    if (this.closed) throw new InvalidStateError(`${this} was stopped: call serve() to begin anew`);
  }

  /**
   * Stops all workers: they take nothing more, and have `timeout` milliseconds (1,000 by default, `null` for ever) for
   * their handlers, which are killed then. A worker that does not end is terminated a second later. Suspends; a kill
   * terminates them at once. A second call waits for the same end.
   */
  stop(timeout: number | null = PATIENCE): Operation<void> {
    return composite('Fleet.stop()', this.#stop(checkTimeout(timeout) ?? null));
  }

  *#stop(timeout: number | null): Coroutine<void> {
    this.#state = 'stopping';
    this.#door?.close();
    yield* this.#replacements.kill();
    const ends = new Group();
    try {
      for (const member of this.#members) ends.spawn(() => end(member, timeout));
      yield* ends.join();
    } finally {
      yield* ends.kill();
      this.#state = 'stopped';
      this.#stopped.set();
    }
  }

  /** Such as `Fleet 127.0.0.1:80`. */
  toString(): string {
    return `Fleet ${this.#address ?? this.#setup.make.name}`;
  }
}

/** Waits until a worker that is told to stop has ended; a kill terminates it. */
function* end(member: Member, timeout: number | null): Coroutine<void> {
  let hasEnded = false;
  try {
    member.stop(timeout);
    hasEnded = yield* member.ended.wait(timeout === null ? null : timeout + GRACE);
  } finally {
    if (!hasEnded) {
      member.terminate();
      yield* shield(() => member.ended.wait());
    }
  }
}

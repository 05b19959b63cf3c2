/** A client for Redis, by its protocol RESP2. Commands are pipelined: none waits for the replies to those before it. */
import { AsyncResult, all, type Coroutine, type Greenlet, isExit, SimpleQueue, spawnNow } from 'genlet';
import { type Address, createConnection, type Socket } from 'genlet/io';

/** What Redis replies; an error by itself is thrown, in an array it is an element. */
export type Reply = string | number | null | RedisError | Reply[];

export class RedisError extends Error {}

/** A connection, for any number of greenlets at a time; a kill of one of them is nothing to the others. */
export class Redis {
  readonly #socket: Socket;
  readonly #unsent = new SimpleQueue<string>();
  readonly #unanswered = new SimpleQueue<AsyncResult<any>>();
  readonly #server: Greenlet<void>;
  #failure: unknown;

  static *connect(address: Address): Coroutine<Redis> {
    return new Redis(yield* createConnection(address, { timeout: 5000 }));
  }

  constructor(socket: Socket) {
    this.#socket = socket;
    this.#server = spawnNow(() => this.#serve());
    this.#server.daemon = true;
  }

  /** Sends a command, together with others that are ready, and gives what the reply is going to be. */
  send<R extends Reply = Reply>(...command: (string | number)[]): AsyncResult<R> {
    const reply = new AsyncResult<R>();
    if (this.#server.dead) reply.setException(this.#failure);
    else {
      this.#unanswered.putNowait(reply);
      this.#unsent.putNowait(encode(command));
    }
    return reply;
  }

  close(): void {
    this.#server.kill();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  *#serve(): Coroutine<void> {
    try {
      yield* all([this.#write(), this.#read()]);
    } catch (error) {
      this.#failure = isExit(error) ? new Error('the connection to Redis was closed') : error;
      if (isExit(error)) throw error;
    } finally {
      this.#socket.close();
      while (!this.#unanswered.empty()) this.#unanswered.getNowait().setException(this.#failure);
    }
  }

  *#write(): Coroutine<void> {
    for (;;) yield* this.#socket.sendall((yield* this.#unsent.getMany(1000)).join(''));
  }

  *#read(): Coroutine<void> {
    for (;;) {
      const reply = yield* this.#reply();
      const result = this.#unanswered.getNowait();
      if (reply instanceof RedisError) result.setException(reply);
      else result.set(reply);
    }
  }

  *#reply(): Coroutine<Reply> {
    const line = yield* this.#socket.readline();
    if (line === undefined) throw new Error('Redis has closed the connection');
    const [kind, rest] = [line[0], line.slice(1)];
    if (kind === '+') return rest;
    if (kind === '-') return new RedisError(rest);
    if (kind === ':') return Number(rest);
    const size = Number(rest);
    if (size < 0) return null;
    if (kind === '$') return (yield* this.#socket.recvExactly(size + 2)).toString('utf8', 0, size);
    const elements: Reply[] = [];
    while (elements.length < size) elements.push(yield* this.#reply());
    return elements;
  }
}

function encode(command: (string | number)[]): string {
  const parts = command.map((part) => `$${Buffer.byteLength(`${part}`)}\r\n${part}\r\n`);
  return `*${command.length}\r\n${parts.join('')}`;
}

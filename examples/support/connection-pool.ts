/** A pool of connections to a server that answers each line by a line. */
import { type Coroutine, LifoQueue } from 'genlet';
import { type Address, createConnection, type Socket } from 'genlet/io';

/**
 * A queue of so many places, each with a connection or without. Who takes a place without one connects; a connection that
 * is not fit for use comes back as such a place. The one that was used last is taken first, so that others may grow old.
 */
export class ConnectionPool {
  readonly #address: Address;
  readonly #places: LifoQueue<Socket | undefined>;
  #closed = false;

  constructor(address: Address, size: number) {
    this.#address = address;
    this.#places = new LifoQueue<Socket | undefined>(size, Array(size).fill(undefined));
  }

  /** Gives a connection, and waits for one while all are taken. Use it with `using`, which gives it back. */
  *take(): Coroutine<Connection> {
    let socket = yield* this.#places.get();
    try {
      socket ??= yield* createConnection(this.#address, { timeout: 5000 });
    } finally {
      if (socket === undefined) this.#giveBack(undefined);
    }
    return new Connection(socket, (fit) => this.#giveBack(fit));
  }

  #giveBack(socket: Socket | undefined): void {
    if (this.#closed) socket?.close();
    else this.#places.putNowait(socket);
  }

  /** Closes the connections that nobody has taken now; the others are closed when they are given back. */
  [Symbol.dispose](): void {
    this.#closed = true;
    while (!this.#places.empty()) this.#places.getNowait()?.close();
    this.#places.shutdown();
  }
}

/** A connection in the hands of one greenlet. */
export class Connection {
  readonly #socket: Socket;
  readonly #giveBack: (fit: Socket | undefined) => void;
  /** A query has no answer yet: if it is given up, the answer would be taken for that to the next one. */
  #asking = false;

  constructor(socket: Socket, giveBack: (fit: Socket | undefined) => void) {
    this.#socket = socket;
    this.#giveBack = giveBack;
  }

  *query(text: string): Coroutine<string> {
    this.#asking = true;
    yield* this.#socket.sendall(`${text}\n`);
    const answer = yield* this.#socket.readline();
    if (answer === undefined) throw new Error('the server has closed the connection');
    this.#asking = false;
    return answer;
  }

  [Symbol.dispose](): void {
    if (this.#asking) this.#socket.close();
    this.#giveBack(this.#asking ? undefined : this.#socket);
  }
}

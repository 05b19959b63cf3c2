/** A request whose answer is read as it comes. */
import { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import type { Handle } from '../core/callback.ts';
import { checkInteger } from '../core/check.ts';
import { composite } from '../core/dev.ts';
import { hub } from '../core/hub.ts';
import type { Coroutine, Operation } from '../core/operation.ts';
import { timedOut } from '../core/timeout.ts';
import { MOST_OF_BODY } from './http-errors.ts';
import { Exchange, type Shared } from './http-exchange.ts';
import type { HeaderRecord } from './http-headers.ts';
import { MAX_BODY, type Plan } from './http-options.ts';
import { type Asked, decode, decodeUtf8, ResponseHead } from './http-response.ts';
import { Reader } from './reader.ts';

type Controller = Dispatcher.DispatchController;

/** Options of the calls that read a body as a whole. */
export interface BodyOptions {
  /** How many bytes there may be: 67,108,864 (64 MiB) by default. */
  readonly maxBody?: number | undefined;
}

/**
 * An answer whose head is there, and whose body is on its way. What is not read holds up the server, and keeps the
 * connection: close it, best by `using`. Follows `requests.get(…, stream=True)`.
 *
 * A kill or timeout in a reading call ends the wait; closing then ends the request. When the time of the whole request is
 * up, reading throws `Timeout`.
 */
export class StreamedResponse extends ResponseHead {
  /** The body: read it by any call of a `Reader`. */
  readonly body: Reader;
  readonly #stream: BodyStream;

  /** @internal */
  constructor(
    request: Asked,
    status: number,
    statusText: string,
    headers: HeaderRecord,
    stream: BodyStream,
    name: string,
  ) {
    super(request, status, statusText, headers);
    this.#stream = stream;
    this.body = new Reader(() => stream, { name });
  }

  /** The fields that came after the body, once that was read. */
  get trailers(): HeaderRecord {
    return this.#stream.trailers;
  }

  /**
   * The rest of the body. Suspends until all of it is there.
   *
   * @throws {LimitOverrunError} there are more than `maxBody` bytes
   */
  bytes(options: BodyOptions = {}): Operation<Buffer> {
    return this.body.readAll({ limit: checkInteger('maxBody', options.maxBody ?? MAX_BODY, 0) });
  }

  /**
   * The rest of the body as text, by the `charset` of its content type, else by UTF-8. Suspends until all of it is there.
   *
   * @throws {LimitOverrunError} there are more than `maxBody` bytes
   */
  text(options: BodyOptions = {}): Operation<string> {
    return composite('StreamedResponse.text()', this.#text(this.bytes(options)));
  }

  *#text(bytes: Operation<Buffer>): Coroutine<string> {
    return decode(yield* bytes, this.headers);
  }

  /**
   * The rest of the body, parsed as JSON. Suspends until all of it is there.
   *
   * @throws {SyntaxError} it is none
   * @throws {LimitOverrunError} there are more than `maxBody` bytes
   */
  json<T = any>(options: BodyOptions = {}): Operation<T> {
    return composite('StreamedResponse.json()', this.#json<T>(this.bytes(options)));
  }

  *#json<T>(bytes: Operation<Buffer>): Coroutine<T> {
    return JSON.parse(decodeUtf8(yield* bytes)) as T;
  }

  /**
   * Does nothing, unless the status is 400 or more: then it reads the beginning of the body, and closes. Suspends then.
   *
   * @throws {HttpStatusError} the status is 400 or more
   */
  raiseForStatus(): Operation<void> {
    return composite('StreamedResponse.raiseForStatus()', this.#raise());
  }

  *#raise(): Coroutine<void> {
    if (this.status < 400) return;
    const pieces: Buffer[] = [];
    try {
      for (let length = 0; length < MOST_OF_BODY; ) {
        const piece = yield* this.body.read(MOST_OF_BODY - length);
        if (piece.length === 0) break;
        pieces.push(piece);
        length += piece.length;
      }
    } finally {
      this.close();
    }
    throw this.error(Buffer.concat(pieces));
  }

  /** Gives up what was not read, and the connection with it. Does not suspend. */
  close(): void {
    this.body.close();
  }

  /** Makes `using` close it. */
  [Symbol.dispose](): void {
    this.close();
  }
}

/** @internal */
export class StreamCall extends Exchange<StreamedResponse> {
  /** When it began, if the greenlet's time is limited elsewhere. */
  readonly #begin: number | undefined;
  #performed = 0;
  #stream: BodyStream | undefined = undefined;

  constructor(shared: Shared, plan: Plan, begin?: number) {
    super(shared, plan);
    this.#begin = begin;
  }

  protected head(status: number, statusText: string, headers: HeaderRecord, controller: Controller): void {
    const stream = new BodyStream(this, controller);
    this.#stream = stream;
    const { timeout, origin, path } = { ...this.plan, origin: this.origin, path: this.path };
    if (timeout !== undefined) {
      const left = Math.max(0, timeout - (hub.now() - (this.#begin ?? this.#performed)));
      stream.timer = hub.callLater(left, () => stream.destroy(timedOut(this.describe(), timeout) as Error));
    }
    this.succeed(new StreamedResponse(this, status, statusText, headers, stream, `the body of ${origin}${path}`));
  }

  protected data(chunk: Buffer, controller: Controller): void {
    if (!this.#stream!.push(chunk)) controller.pause();
  }

  protected end(trailers: HeaderRecord): void {
    const stream = this.#stream!;
    stream.trailers = trailers;
    stream.timer?.cancel();
    stream.push(null);
  }

  protected lost(error: Error): void {
    this.#stream?.destroy(error);
  }

  protected get limit(): number | undefined {
    this.#performed = hub.now();
    return this.#begin === undefined ? this.plan.timeout : undefined;
  }

  protected get call(): string {
    return 'stream';
  }
}

/** The body of an answer, which is held up while nobody reads. */
class BodyStream extends Readable {
  trailers: HeaderRecord = {};
  timer: Handle | undefined = undefined;
  readonly #exchange: { abort(): void };
  readonly #controller: Controller;

  constructor(exchange: { abort(): void }, controller: Controller) {
    super({ highWaterMark: 65_536 });
    this.#exchange = exchange;
    this.#controller = controller;
    this.on('error', () => {}); // nobody may have looked at the body yet
  }

  override _read(): void {
    this.#controller.resume();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.timer?.cancel();
    this.#exchange.abort();
    done(error);
  }
}

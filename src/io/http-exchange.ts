/**
 * A request and its answer: the blocking call, and the handler that undici calls back, in one object.
 *
 * It is written on undici's `dispatch`, without a promise, a stream or an `AbortController`: these are more than half of what
 * undici's own `request` costs. A kill or timeout ends the connection; a request that still waits for one leaves the queue.
 *
 * Redirections are followed here: undici's handler takes the way back to the same URL for a loop, but that is how many a
 * login page goes on after it has set its cookie.
 */
import { Readable } from 'node:stream';
import type * as Undici from 'undici';
import type { Deadline, Expirable } from '../core/deadline.ts';
import { LimitOverrunError } from '../core/errors.ts';
import { hub as importedHub } from '../core/hub.ts';
import { BaseOperation, type Resumption, type Step } from '../core/operation.ts';
import type { RawGreenlet } from '../core/raw-greenlet.ts';
import { timedOut } from '../core/timeout.ts';
import type { Payload } from './http-body.ts';
import type { CookieJar } from './http-cookies.ts';
import { TooManyRedirectsError } from './http-errors.ts';
import { type HeaderRecord, type OutgoingHeaders, readHeaders, single } from './http-headers.ts';
import { type Plan, readUrl } from './http-options.ts';
import type { Asked } from './http-response.ts';
import type { Lane, Passenger, Route, Transport } from './http-transport.ts';
import { loadedUndici, loadUndici } from './http-undici.ts';

// A constant of this module, not an imported binding: see `State`.
const hub = importedHub;

type Controller = Undici.Dispatcher.DispatchController;

/** What the requests of a client share. @internal */
export interface Shared {
  readonly transport: Transport;
  readonly cookies: CookieJar | undefined;
}

const ABORTED = Object.assign(new Error('the request was aborted'), { code: 'ECANCELED' });

/** @internal */
export abstract class Exchange<T>
  extends BaseOperation<T>
  implements Expirable, Asked, Passenger, Undici.Dispatcher.DispatchHandler
{
  method: string;
  origin: string;
  path: string;
  redirects = 0;
  // Private, for it may hold secrets, and operations are shown in reports.
  readonly #plan: Plan;
  readonly #shared: Shared;
  #headers: OutgoingHeaders | undefined;
  #payload: Payload | undefined;
  #greenlet: RawGreenlet | undefined = undefined;
  #deadline: Deadline | undefined = undefined;
  before: Passenger | undefined = undefined;
  behind: Passenger | undefined = undefined;
  /** Where it waits for a connection. */
  #route: Route | undefined = undefined;
  /** The connection that it has. */
  #lane: Lane | undefined = undefined;
  /** Whether nothing that comes is of interest. */
  #over = false;
  /** Where the answer says to go, as long as the rest of that answer comes. */
  #location: string | undefined = undefined;
  #status = 0;
  #sending: Readable | undefined = undefined;
  #received = 0;
  #error: Error | undefined = undefined;

  constructor(shared: Shared, plan: Plan) {
    super();
    this.#shared = shared;
    this.#plan = plan;
    this.method = plan.method;
    this.origin = plan.origin;
    this.path = plan.path;
    this.#headers = plan.headers;
    this.#payload = plan.payload;
  }

  /** What was asked for. */
  protected get plan(): Plan {
    return this.#plan;
  }

  /** The head of the answer is there. */
  protected abstract head(status: number, statusText: string, headers: HeaderRecord, controller: Controller): void;

  /** A part of the body has come. */
  protected abstract data(chunk: Buffer, controller: Controller): void;

  /** The answer is complete. */
  protected abstract end(trailers: HeaderRecord): void;

  /** The answer broke off, when the greenlet did not wait any more. */
  protected abstract lost(error: Error): void;

  /** How long the greenlet may wait in it. */
  protected abstract get limit(): number | undefined;

  next(resumed?: Resumption): Step {
    if (resumed !== undefined) {
      this.#deadline?.cancel();
      return resumed;
    }
    const me = hub.self(this, arguments.length);
    const { limit } = this;
    if (limit === 0) throw timedOut(this.describe(), 0);
    const { transport } = this.#shared;
    transport.check();
    const step = hub.park(me, this);
    transport.enter();
    this.#greenlet = me;
    hub.outside++;
    if (limit !== undefined) this.#deadline = hub.deadline(me, this, limit);
    const undici = loadedUndici();
    if (undici !== undefined) this.#seek(undici);
    else
      loadUndici().then(
        (undici) => this.#seek(undici),
        (error) => this.fail(error),
      );
    return step;
  }

  /** Looks for a connection. */
  #seek(undici: typeof Undici): void {
    if (this.#over) return;
    const route = this.#shared.transport.route(this.origin, undici);
    this.#route = route;
    route.enter(this, undici);
  }

  board(lane: Lane): void {
    this.#route = undefined;
    this.#lane = lane;
    try {
      const { origin, path, method } = this;
      const { headersTimeout, bodyTimeout } = this.#plan;
      const { cookies } = this.#shared;
      const body = this.#payload === undefined ? null : this.#payload.open(loadedUndici()!)!;
      if (body instanceof Readable) this.#sending = body;
      const headers = cookies === undefined ? this.#headers : cookies.addTo(this.#headers, origin + path);
      const options = { origin, path, method, headers, body, headersTimeout, bodyTimeout };
      lane.dispatch(options as Undici.Dispatcher.DispatchOptions, this);
    } catch (error) {
      this.fail(error as Error);
    }
  }

  refuse(error: Error): void {
    this.#route = undefined;
    this.fail(error);
  }

  // ---- what undici calls

  onRequestStart(): void {}

  onResponseStart(controller: Controller, status: number, headers: HeaderRecord, statusText?: string): void {
    if (this.#over || status < 200) return;
    const { cookies } = this.#shared;
    if (cookies !== undefined && headers['set-cookie'] !== undefined) {
      for (const cookie of [headers['set-cookie']].flat()) cookies.store(this.origin + this.path, cookie);
    }
    if (this.method !== 'HEAD') this.#checkLength(Number(single(headers, 'content-length')));
    if (this.#isRedirection(status, headers)) {
      this.#status = status;
      this.#location = single(headers, 'location');
    } else this.head(status, statusText ?? '', headers, controller);
  }

  onResponseData(controller: Controller, chunk: Buffer): void {
    if (this.#over) return;
    this.#received += chunk.length;
    this.#checkLength(this.#received);
    if (this.#location === undefined) this.data(chunk, controller);
  }

  onResponseEnd(_controller: Controller, trailers: HeaderRecord): void {
    if (this.#over) return;
    if (this.#location !== undefined) this.#follow(this.#location);
    else {
      this.#over = true;
      this.#sending?.destroy();
      this.#lane!.release();
      this.end(trailers);
      this.#shared.transport.leave();
    }
  }

  onResponseError(_controller: Controller, error: Error): void {
    this.fail(error);
  }

  // ---- how it ends

  /** Resumes the greenlet. */
  protected succeed(value: T): void {
    const greenlet = this.#greenlet!;
    this.#greenlet = undefined;
    hub.outside--;
    greenlet.wake(value);
  }

  /** The request has come to nothing, or what is left of its answer. */
  protected fail(error: Error): void {
    if (this.#over) return;
    this.#quit();
    const greenlet = this.#greenlet;
    if (greenlet === undefined) this.lost(error);
    else {
      this.#greenlet = undefined;
      hub.outside--;
      this.#error = error;
      greenlet.fail(error);
    }
    this.#shared.transport.leave();
  }

  /** Ends the request, in whatever state it is. */
  abort(): void {
    if (this.#over) return;
    this.#quit();
    this.#shared.transport.leave();
  }

  #quit(): void {
    this.#over = true;
    this.#sending?.destroy();
    this.#route?.leave(this);
    this.#lane?.discard(ABORTED);
  }

  cancel(): void {
    this.#deadline?.cancel();
    this.#greenlet = undefined;
    hub.outside--;
    this.abort();
  }

  expire(): void {
    const greenlet = this.#greenlet!;
    this.cancel();
    this.#error = timedOut(this.describe(), this.#plan.timeout!);
    greenlet.fail(this.#error);
  }

  /** An error that came up in undici has no stack worth showing: it gets that of the suspended coroutine. */
  override throw(error: unknown): never {
    this.#deadline?.cancel();
    if (error === this.#error) Error.captureStackTrace(error as Error, this.throw);
    throw error;
  }

  /** A request that changes nothing may be left undone. */
  override get selectable(): boolean {
    return this.#plan.method === 'GET' || this.#plan.method === 'HEAD';
  }

  describe(): string {
    return `http.${this.call}(${this.#plan.method} ${this.#plan.origin}${this.#plan.path})`;
  }

  /** `request` or `stream`. */
  protected abstract get call(): string;

  #checkLength(length: number): void {
    const { maxBody } = this.#plan;
    if (length > maxBody) {
      const hint = 'give a higher maxBody, or use http.stream()';
      throw new LimitOverrunError(`${this.describe()}: the body is longer than ${maxBody} bytes; ${hint}`);
    }
  }

  // ---- redirections

  #isRedirection(status: number, headers: HeaderRecord): boolean {
    if (status < 301 || status > 308 || headers.location === undefined) return false;
    if (status > 303 && status < 307) return false;
    const { maxRedirects } = this.#plan;
    if (maxRedirects === 0) return false;
    if (status >= 307 && this.#payload?.repeatable === false) return false;
    if (this.redirects < maxRedirects) return true;
    throw new TooManyRedirectsError(`${this.describe()}: there are more than ${maxRedirects} redirections`);
  }

  /** Goes where an answer says. Follows the fetch standard in what is kept of the request. */
  #follow(location: string): void {
    try {
      const target = readUrl('location', location, this.origin + this.path);
      const status = this.#status;
      const isPost = this.method === 'POST' && status <= 302;
      const isOther = status === 303 && this.method !== 'GET' && this.method !== 'HEAD';
      const dropped: Record<string, undefined> = {};
      if (isPost || isOther) {
        this.method = 'GET';
        this.#payload = undefined;
        for (const name in this.#headers) if (name.startsWith('content-')) dropped[name] = undefined;
      }
      if (target.origin !== this.origin) {
        for (const name of ['authorization', 'cookie', 'host', 'proxy-authorization']) dropped[name] = undefined;
      }
      if (this.#headers !== undefined) this.#headers = readHeaders(dropped, this.#headers);
      this.origin = target.origin;
      this.path = target.pathname + target.search;
      this.redirects++;
    } catch (error) {
      this.fail(error as Error);
      return;
    }
    this.#location = undefined;
    this.#received = 0;
    this.#sending?.destroy();
    this.#sending = undefined;
    this.#lane!.release();
    this.#lane = undefined;
    this.#seek(loadedUndici()!);
  }
}

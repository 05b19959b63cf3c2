/** A way to a listener: connecting, and proving the key. */
import { checkDuration, checkTimeout } from '../../core/check.ts';
import type { Coroutine } from '../../core/operation.ts';
import { withTimeout } from '../../core/timeout.ts';
import { type Address, type Endpoint, parseAddress } from '../../io/address.ts';
import { createConnection } from '../../io/connect.ts';
import type { Socket } from '../../io/socket.ts';
import type { TlsOptions } from '../../io/tls-options.ts';
import { FrameSocket } from './frame-socket.ts';
import { checkMaxFrame, checkTerms, type SecrecyOptions } from './gate.ts';
import { type HandshakeTerms, handshake } from './handshake.ts';
import { checkSecrecy } from './place.ts';

/** Options of `Client`. */
export interface ClientOptions extends SecrecyOptions {
  /** Speaks TLS: `true`, or options for it. */
  readonly tls?: boolean | TlsOptions | undefined;
  /** How long it may take until both sides have proven themselves, in milliseconds: 5,000 by default; `null` for ever. */
  readonly timeout?: number | null | undefined;
}

const LIMIT = 5000;

/** A way to a listener, checked. @internal */
export class Dialer {
  readonly endpoint: Endpoint;
  readonly #options: ClientOptions;
  readonly #limit: number | undefined;
  readonly #maxFrame: number;

  constructor(address: Address, options: ClientOptions = {}) {
    this.endpoint = parseAddress(address);
    this.#options = options;
    const { timeout, tls = false } = options;
    this.#limit = timeout === undefined ? LIMIT : checkTimeout(timeout);
    this.#maxFrame = checkMaxFrame(options.maxFrame);
    const { host, port, path } = this.endpoint;
    const reached = path === undefined && host === '' ? parseAddress(['localhost', port]) : this.endpoint;
    checkSecrecy(reached, tls !== false || this.terms.encrypt);
  }

  /** Made when it is needed: the key of the program may be known only after proxies have come. */
  get terms(): HandshakeTerms {
    return checkTerms(this.#options, this.#limit ?? checkDuration('timeout', Number.POSITIVE_INFINITY));
  }

  get tls(): boolean | TlsOptions {
    return this.#options.tls ?? false;
  }

  /** Connects; a kill or a failure leaves nothing behind. */
  *dial(): Coroutine<FrameSocket> {
    return yield* withTimeout(this.#limit, () => this.#dial());
  }

  *#dial(): Coroutine<FrameSocket> {
    const { tls } = this;
    const socket: Socket = yield* tls === false
      ? createConnection(this.endpoint)
      : createConnection(this.endpoint, { tls });
    let agreed = false;
    try {
      const agreement = yield* handshake(socket, 'client', this.terms);
      agreed = true;
      return new FrameSocket(socket, agreement, this.#maxFrame);
    } finally {
      if (!agreed) socket.abort();
    }
  }
}

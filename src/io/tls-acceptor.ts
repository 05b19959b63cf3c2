/**
 * The server's part of handshakes.
 *
 * They are done in callbacks, before a connection can be accepted, not in the greenlet that will handle it, as gevent does.
 * So a client that is slow, or no client of TLS at all, takes neither a greenlet nor a place in a server's pool, and holds up
 * nobody; a handler gets none but sockets that work. What it costs: connections that nobody may ever accept are decrypted.
 *
 * The work is that of a `tls.Server` which does not listen, and is told of connections by its event, as Node's documentation
 * has it. What it tells then of a handshake is matched with the connection by `_parent`, the socket below.
 */
import type { Socket as Stream } from 'node:net';
import { createServer, type SecureContext, type Server, type TLSSocket } from 'node:tls';
import type { Greenlet } from '../core/greenlet.ts';
import { hub } from '../core/hub.ts';
import type { Coroutine } from '../core/operation.ts';
import { callAndWait } from '../core/perform.ts';
import { spawn } from '../core/spawn.ts';
import { hungUp, ignore, type Shaken } from './tls-client.ts';
import { asCertificateError, asTlsError } from './tls-error.ts';
import { Names } from './tls-names.ts';
import { checkServerTls, given, protocolsOf, type TlsServerOptions } from './tls-options.ts';

interface Handshake {
  readonly call: string;
  readonly shaken: Shaken;
  /** Looks for a certificate. */
  sni?: Greenlet<void>;
}

type Owned = TLSSocket & { readonly _parent?: Stream };
type SniAnswer = (error: Error | null, context?: SecureContext) => void;

/** Longer than any handshake may take: Node's own limit, which can't be switched off. */
const NEVER = 2 ** 31 - 1;

/** @internal */
export class TlsAcceptor {
  readonly #server: Server;
  readonly #names: Names;
  readonly #handshakes = new Map<Stream, Handshake>();

  constructor(options: TlsServerOptions) {
    checkServerTls(options);
    const { contexts, sniCallback, handshakeTimeout, onHandshakeError, ALPNProtocols, ALPNCallback, ...others } =
      options;
    this.#names = new Names(options);
    const sni = this.#sniCallback(sniCallback);
    this.#server = createServer({
      ...given(others),
      ...protocolsOf(ALPNProtocols),
      handshakeTimeout: NEVER,
      ...(sni && { SNICallback: sni }),
      ...(ALPNCallback && { ALPNCallback: reporting(ALPNCallback) }),
    });
    this.#server.on('secureConnection', (stream: Owned) => {
      const handshake = this.#end(stream._parent);
      if (handshake === undefined) stream.destroy();
      else handshake.shaken(undefined, stream);
    });
    this.#server.on('tlsClientError', (error: Error & { code?: string }, stream: Owned) => {
      const handshake = this.#end(stream._parent);
      if (handshake === undefined) return;
      const { call, shaken } = handshake;
      const refusal = stream.authorizationError as unknown as string | null;
      if (refusal) shaken(asCertificateError(refusal, call));
      else shaken(error.message === 'socket hang up' ? hungUp(call) : asTlsError(error, call));
    });
  }

  /** How many handshakes are going on. */
  get pending(): number {
    return this.#handshakes.size;
  }

  /** As `shakeAsClient`. */
  shake(transport: Stream, call: string, shaken: Shaken): () => void {
    this.#handshakes.set(transport, { call, shaken });
    hub.outside++;
    transport.allowHalfOpen = false; // a client that leaves closes the connection
    this.#server.emit('connection', transport);
    return () => {
      this.#end(transport);
      transport.on('error', ignore).destroy();
    };
  }

  #end(transport: Stream | undefined): Handshake | undefined {
    const handshake = transport && this.#handshakes.get(transport);
    if (handshake === undefined) return undefined;
    this.#handshakes.delete(transport!);
    hub.outside--;
    handshake.sni?.kill();
    return handshake;
  }

  #sniCallback(find: TlsServerOptions['sniCallback']): ((name: string, answer: SniAnswer) => void) | undefined {
    const names = this.#names;
    if (find === undefined) return names.size === 0 ? undefined : (name, answer) => answer(null, names.find(name));
    const handshakes = this.#handshakes;
    // Node calls it as a method of the TLSSocket.
    return function (this: Owned | undefined, name: string, answer: SniAnswer): void {
      const greenlet = spawn(function* (): Coroutine<void> {
        let context: SecureContext | undefined;
        try {
          const found = yield* callAndWait(() => find(name));
          context = found === undefined ? names.find(name) : names.context(found, 'the result of sniCallback');
        } catch (error) {
          answer(error as Error);
          throw error;
        }
        answer(null, context);
      });
      const handshake = this?._parent && handshakes.get(this._parent);
      if (handshake) handshake.sni = greenlet;
    };
  }
}

type AlpnCallback = NonNullable<TlsServerOptions['ALPNCallback']>;

/** An error in it is the program's own, and would be taken for that of a handshake. */
function reporting(choose: AlpnCallback): AlpnCallback {
  return (hello) => {
    try {
      return choose(hello);
    } catch (error) {
      hub.handleError(error, undefined, 'ALPNCallback');
      throw error;
    }
  };
}

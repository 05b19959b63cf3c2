/** `TlsSocket`: a socket whose bytes are encrypted on their way. */
import type { Socket as Stream } from 'node:net';
import { type CipherNameAndProtocol, type DetailedPeerCertificate, type PeerCertificate, TLSSocket } from 'node:tls';
import { show } from '../core/check.ts';
import { Socket, type SocketOptions } from './socket.ts';
import { asTlsError } from './tls-error.ts';

/** What else is known when a `TlsSocket` is made over one of `node:tls`. */
export interface TlsSocketOptions extends SocketOptions {
  /** The address of a Unix socket, for messages. */
  readonly path?: string | undefined;
  /** The socket below, which `abort` resets. */
  readonly transport?: Stream | undefined;
  /** The session that the client offered. */
  readonly session?: Buffer | undefined;
}

/**
 * A `Socket` that speaks TLS. Made by `createConnection` and `listen` with `tls`, by `upgradeTls`, or over a connected
 * `TLSSocket` of `node:tls`, which belongs to it from then on. Follows `ssl.SSLSocket`.
 *
 * It is read and written as any other socket. `close()` and `shutdown('write')` tell the peer the end, within TLS, after
 * all that was sent; after `shutdown('write')` it may still be read, if the peer goes on to send: many programs don't, and
 * close in turn. As in `node:tls`, a peer that ends its connection without telling so within TLS has ended its stream,
 * too: where that matters, have the protocol say how much is to come. What TLS reports after the handshake is thrown as
 * `TlsError` where the socket is read or written: that the server has refused the client's certificate, above all, for with
 * TLS 1.3 the client's handshake is over before.
 *
 * @example
 * ```ts
 * import { run } from 'genlet';
 * import { checkOutput, createConnection, fs, StreamServer } from 'genlet/io';
 *
 * await run(function* () {
 *   const [keyFile, certFile] = ['/tmp/example-key.pem', '/tmp/example-cert.pem'];
 *   const made = ['-nodes', '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
 *   yield* checkOutput(['openssl', 'req', '-x509', '-keyout', keyFile, '-out', certFile, ...made], { stderr: 'ignore' });
 *   const [key, cert] = [yield* fs.readFile(keyFile), yield* fs.readFile(certFile)];
 *
 *   const server = new StreamServer('localhost:0', (socket) => socket.sendall('hello'), { tls: { key, cert } });
 *   yield* server.start();
 *   const socket = yield* createConnection(['localhost', server.port], { tls: { ca: cert } });
 *   console.log(socket.protocol, String(yield* socket.recv())); // => TLSv1.3 hello
 *   socket.close();
 *   yield* server.stop();
 * });
 * ```
 */
export class TlsSocket extends Socket {
  /** `'TLSv1.3'`, `'TLSv1.2'`, … Follows `SSLSocket.version`. */
  readonly protocol: string;
  /** The protocol that both sides agreed on by ALPN, if they did. Follows `SSLSocket.selected_alpn_protocol`. */
  readonly alpnProtocol: string | undefined;
  /** The name that the client asked for by SNI, if it did. */
  readonly servername: string | undefined;
  /** Whether the peer has shown a certificate that is to be trusted; never, at a server without `requestCert`. */
  readonly authorized: boolean;
  /** Why it is not, such as `'DEPTH_ZERO_SELF_SIGNED_CERT'`: known where `rejectUnauthorized` is off. */
  readonly authorizationError: string | undefined;
  /** Whether the handshake took up a session of before. Follows `SSLSocket.session_reused`. */
  readonly sessionReused: boolean;
  readonly #tls: TLSSocket;
  readonly #transport: Stream | undefined;
  #session: Buffer | undefined = undefined;

  /** Takes over a `TLSSocket` whose handshake is done. */
  constructor(stream: TLSSocket, options: TlsSocketOptions = {}) {
    if (!(stream instanceof TLSSocket)) {
      throw new TypeError(`stream is ${show(stream)}: give a connected TLSSocket of node:tls`);
    }
    super(stream, options);
    this.#tls = stream;
    this.#transport = options.transport;
    this.protocol = stream.getProtocol() ?? '';
    this.alpnProtocol = stream.alpnProtocol || undefined;
    this.servername = (stream as { servername?: string | false | null }).servername || undefined;
    this.authorized = stream.authorized;
    this.authorizationError = (stream.authorizationError as unknown as string | null) ?? undefined;
    this.sessionReused = stream.isSessionReused();
    if (this.sessionReused) this.#session = options.session;
    stream.on('session', (session: Buffer) => {
      this.#session = session;
    });
  }

  /** The cipher, by its names; `undefined` once the socket is closed. Follows `SSLSocket.cipher`. */
  get cipher(): CipherNameAndProtocol | undefined {
    return this.#tls.getCipher() ?? undefined;
  }

  /**
   * The session of a client, to be given to the next connection to the same server as `session`; or the one that was given,
   * if it was taken up and the server has sent no other. With TLS 1.3 it comes after the handshake: it is there, at the
   * latest, when the server's first bytes were read. `undefined` until then, and at a server. Follows `SSLSocket.session`.
   */
  get session(): Buffer | undefined {
    return this.#session;
  }

  /**
   * The certificate that the peer has shown; `undefined` if it has not, or the socket is closed. Its `raw` is the certificate
   * as such (DER); with `detailed`, `issuerCertificate` leads to those that vouch for it. Follows `SSLSocket.getpeercert`.
   */
  peerCertificate(detailed: true): DetailedPeerCertificate | undefined;
  peerCertificate(detailed?: boolean): PeerCertificate | undefined;
  peerCertificate(detailed = false): PeerCertificate | undefined {
    const certificate = this.#tls.getPeerCertificate(detailed) as PeerCertificate | null;
    return certificate !== null && 'raw' in certificate ? certificate : undefined;
  }

  /** `TlsSocket 127.0.0.1:443`, with the address of the other side. */
  override toString(): string {
    return `TlsSocket ${this.remote}`;
  }

  /** @internal */
  override get transport(): Stream | undefined {
    return this.#transport;
  }

  /** @internal */
  override failureOf(error: Error): Error {
    return asTlsError(error, `${this}`);
  }
}

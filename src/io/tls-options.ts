/** The options of TLS, by the names that they have in Node, and what is made of them before anything is connected. */

import { isIP } from 'node:net';
import {
  type ConnectionOptions,
  createSecureContext,
  type PeerCertificate,
  type SecureContext,
  type SecureContextOptions,
} from 'node:tls';
import { domainToASCII } from 'node:url';
import { checkDuration, checkFunction, show } from '../core/check.ts';
import type { Endpoint } from './address.ts';

/** What both sides may set: `ca`, `cert`, `key`, `pfx`, `passphrase`, `minVersion`, `maxVersion`, `ciphers`, … of `node:tls`. */
export interface TlsCommonOptions extends SecureContextOptions {
  /** The protocols that may be spoken above TLS, such as `['h2', 'http/1.1']`, the best one first: ALPN. */
  readonly ALPNProtocols?: readonly string[] | undefined;
  /**
   * Whether a certificate that is not to be trusted ends the handshake. On by default; off, see `TlsSocket.authorized`. A
   * server asks for certificates only if `requestCert` is on.
   */
  readonly rejectUnauthorized?: boolean | undefined;
}

/** What a client may set. The names are those of `tls.connect`. */
export interface TlsOptions extends TlsCommonOptions {
  /**
   * The name of the server, which it is told (SNI) and for which its certificate must be valid. By default the host of the
   * address; an IP address is not told, but checked. `''`: it is not told either.
   */
  readonly servername?: string | undefined;
  /** What `TlsSocket.session` of an earlier connection gave: the handshake is shorter if the server knows it still. */
  readonly session?: Buffer | undefined;
  /** Made by `createSecureContext` of `node:tls`: saves making one for each connection. The other options of it are not looked at. */
  readonly secureContext?: SecureContext | undefined;
  /** Gives an error if the certificate is not for `hostname`; by default `checkServerIdentity` of `node:tls`. */
  readonly checkServerIdentity?: ((hostname: string, certificate: PeerCertificate) => Error | undefined) | undefined;
}

/** What a server may set. The names are those of `tls.createServer`, but for the callbacks. */
export interface TlsServerOptions extends TlsCommonOptions {
  /** Whether clients are asked for a certificate; they must have a good one unless `rejectUnauthorized` is `false`. */
  readonly requestCert?: boolean | undefined;
  /** Chooses among the protocols of a client instead of `ALPNProtocols`; `undefined` refuses it. */
  readonly ALPNCallback?: ((hello: { servername: string; protocols: string[] }) => string | undefined) | undefined;
  /**
   * Certificates by the name that the client asks for (SNI): `{ 'a.example': { cert, key }, '*.b.example': … }`. A name as it
   * stands comes before one with `*`, which is for one label; case does not matter. For all others `cert` and `key` count.
   * Nothing counts of a context but its certificate, the key, and `ca` and `crl`, which are those of the server by default.
   */
  readonly contexts?: Readonly<Record<string, SecureContextOptions | SecureContext>> | undefined;
  /**
   * Finds a certificate by the name that the client asks for: a coroutine function, which runs in a greenlet, a plain or an
   * async one. `undefined`: `contexts` is looked at. An error ends the handshake, and is given to `hub.handleError`.
   */
  readonly sniCallback?: ((servername: string) => unknown) | undefined;
  /** How long a handshake may take, in milliseconds: 10,000 by default; `null` for ever. */
  readonly handshakeTimeout?: number | null | undefined;
  /** Called with each handshake of a server that failed, and from where it came; by default they are counted only. */
  readonly onHandshakeError?: ((error: Error, remote: Endpoint) => void) | undefined;
  /** 48 bytes, which servers share that are to know the sessions of each other. */
  readonly ticketKeys?: Buffer | undefined;
  /** How long a session may be used again, in seconds. */
  readonly sessionTimeout?: number | undefined;
}

/** Letters that stand in names in the form of IDNA only. */
const FOREIGN = /[^\0-\x7f]/;

/** What a client does once it is connected, checked. @internal */
export interface ClientTls {
  /** The host of the address, or what stands for it. */
  readonly hostname: string;
  readonly connect: ConnectionOptions;
}

/** @internal */
export function checkClientTls(options: TlsOptions | true, host: string): ClientTls {
  if (options !== true && (typeof options !== 'object' || options === null)) {
    throw new TypeError(`tls is ${show(options)}: give true or { ca, servername, … }`);
  }
  const { ALPNProtocols, ...others } = options === true ? ({} as TlsOptions) : options;
  const { servername: name = isIP(host) === 0 ? host : '', checkServerIdentity } = others;
  if (typeof name !== 'string') throw new TypeError(`servername is ${show(name)}: give a name`);
  const servername = FOREIGN.test(name) ? domainToASCII(name) : name;
  if (isIP(servername) !== 0) {
    throw new TypeError(`servername is ${show(servername)}: give a name, not an IP address, or leave it out`);
  }
  if (others.session !== undefined && !Buffer.isBuffer(others.session)) {
    throw new TypeError(`session is ${show(others.session)}: give what the session of a TlsSocket was`);
  }
  if (checkServerIdentity !== undefined) checkFunction('checkServerIdentity', checkServerIdentity);
  const connect: ConnectionOptions = {
    ...given(others),
    servername,
    secureContext: others.secureContext ?? createSecureContext(others),
    ...protocolsOf(ALPNProtocols),
  };
  return { hostname: host, connect };
}

/** How long a handshake of a server may take, unless it is told otherwise. */
const HANDSHAKE = 10_000;

/** @internal */
export function checkServerTls(options: TlsServerOptions): void {
  if (typeof options !== 'object' || options === null) {
    throw new TypeError(`tls is ${show(options)}: give { cert, key, … }`);
  }
  if ('SNICallback' in options) {
    throw new TypeError(
      'SNICallback is not an option here: give sniCallback, which gets the name and gives the context',
    );
  }
  const { sniCallback, onHandshakeError, handshakeTimeout, contexts = {} } = options;
  if (sniCallback !== undefined) checkFunction('sniCallback', sniCallback);
  if (onHandshakeError !== undefined) checkFunction('onHandshakeError', onHandshakeError);
  if (handshakeTimeout !== undefined && handshakeTimeout !== null) checkDuration('handshakeTimeout', handshakeTimeout);
  if (typeof contexts !== 'object' || contexts === null) {
    throw new TypeError(`contexts is ${show(contexts)}: give { 'a.example': { cert, key }, … }`);
  }
}

/** How long a handshake may take; `undefined` for ever. @internal */
export function handshakeLimit({ handshakeTimeout = HANDSHAKE }: TlsServerOptions): number | undefined {
  return handshakeTimeout ?? undefined;
}

/** @internal */
export function protocolsOf(protocols: readonly string[] | undefined): { ALPNProtocols?: string[] } {
  if (protocols === undefined) return {};
  if (!Array.isArray(protocols)) throw new TypeError(`ALPNProtocols is ${show(protocols)}: give ['h2', 'http/1.1']`);
  return { ALPNProtocols: [...protocols] };
}

/** Node takes an option that is `undefined` for one that is given. @internal */
export function given<O extends object>(options: O): O {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as O;
}

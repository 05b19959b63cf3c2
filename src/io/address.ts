/** Addresses of streams: the forms in which they are written, and the one in which they are shown. */
import type { Server, Socket } from 'node:net';
import { show } from '../core/check.ts';

/**
 * Where to listen or to connect to: a port, `'host:port'`, `':port'`, `'[::1]:port'`, `{ host, port }`, `[host, port]`,
 * or `{ path }` for a Unix socket or a Windows pipe. Without a host, a server listens on all interfaces and a client
 * connects to `localhost`. Follows gevent's and Node's forms.
 */
export type Address =
  | number
  | string
  | { readonly host?: string | undefined; readonly port: number }
  | readonly [host: string, port: number]
  | { readonly path: string };

/** One end of a connection, or the place of a server. */
export class Endpoint {
  /** The IP address; for an address that was given, the host as it stands there. Empty: not known, or all interfaces. */
  readonly host: string;
  /** The port; 0 for a Unix socket, or for any free port. */
  readonly port: number;
  /** The path of a Unix socket, empty if it is not known; `undefined` for TCP. */
  readonly path: string | undefined;

  constructor(host: string, port: number, path?: string) {
    this.host = host;
    this.port = port;
    this.path = path;
  }

  /** `127.0.0.1:80`, `[::1]:80`, or the path. */
  toString(): string {
    if (this.path !== undefined) return this.path === '' ? 'a Unix socket' : this.path;
    return this.host.includes(':') ? `[${this.host}]:${this.port}` : `${this.host}:${this.port}`;
  }
}

const FORMS = "a port, 'host:port', '[::1]:port', { host, port }, [host, port] or { path }";

/**
 * Reads an address in any of its forms.
 *
 * @throws {TypeError} it has none of them
 * @throws {RangeError} the port is not one, or the path of a Unix socket is too long
 * @internal
 */
export function parseAddress(address: Address): Endpoint {
  if (typeof address === 'number') return new Endpoint('', checkPort(address, address));
  if (typeof address === 'string') return parseText(address);
  if (Array.isArray(address)) {
    if (address.length !== 2) throw notAnAddress(address);
    return hostAndPort(address[0], address[1], address);
  }
  if (typeof address !== 'object' || address === null) throw notAnAddress(address);
  const { host, port, path } = address as { host?: unknown; port?: unknown; path?: unknown };
  if (typeof path === 'string' && path !== '') return new Endpoint('', 0, checkPath(path));
  if (path !== undefined) throw notAnAddress(address);
  return hostAndPort(host ?? '', port, address);
}

function parseText(address: string): Endpoint {
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]:|([^:/[\]]*):|)(\d+)$/.exec(address) ?? [];
  if (port !== undefined) return new Endpoint(bracketed ?? plain ?? '', checkPort(Number(port), address));
  if (address.includes('/')) throw notAnAddress(address, `; for a Unix socket write { path: ${show(address)} }`);
  const colons = address.split(':').length - 1;
  throw notAnAddress(address, colons > 1 && !address.startsWith('[') ? '; an IPv6 host stands in brackets' : '');
}

function hostAndPort(host: unknown, port: unknown, address: unknown): Endpoint {
  if (typeof host !== 'string') throw notAnAddress(address);
  if (typeof port !== 'number') throw notAnAddress(address);
  return new Endpoint(host, checkPort(port, address));
}

/** What the system's structure for the address of a Unix socket holds; what is longer would be cut in silence. */
const LONGEST_PATHS: Record<string, number> = { linux: 107, win32: Number.POSITIVE_INFINITY };
const LONGEST_PATH = LONGEST_PATHS[process.platform] ?? 103;

function checkPath(path: string): string {
  const length = Buffer.byteLength(path);
  if (length <= LONGEST_PATH) return path;
  throw new RangeError(`path ${show(path)} has ${length} bytes: a Unix socket's may have ${LONGEST_PATH} here`);
}

function checkPort(port: number, address: unknown): number {
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  throw new RangeError(`address ${show(address)} has port ${show(port)}: give a whole number from 0 to 65535`);
}

function notAnAddress(address: unknown, hint = ''): TypeError {
  return new TypeError(`address is ${show(address)}: give ${FORMS}${hint}`);
}

/** This side of a connection. @internal */
export function localEnd(stream: Socket, path: string | undefined): Endpoint {
  return path === undefined
    ? new Endpoint(stream.localAddress ?? '', stream.localPort ?? 0)
    : new Endpoint('', 0, path);
}

/** The other side of a connection. @internal */
export function remoteEnd(stream: Socket, path: string | undefined): Endpoint {
  return path === undefined
    ? new Endpoint(stream.remoteAddress ?? '', stream.remotePort ?? 0)
    : new Endpoint('', 0, path);
}

/** Where a server listens. @internal */
export function serverEnd(server: Server): Endpoint {
  const address = server.address();
  if (typeof address === 'string') return new Endpoint('', 0, address);
  return new Endpoint(address?.address ?? '', address?.port ?? 0);
}

/** How Node's servers begin to listen, in `listen` and in `HttpServer`. */
import type { Server } from 'node:net';
import type { Cancel, Resumer } from '../core/suspend.ts';
import type { Endpoint } from './address.ts';

/** Options of whatever listens. */
export interface ListeningOptions {
  /** How many connections may wait in the system until this process takes them over. 511 by default. */
  readonly backlog?: number | undefined;
  /** No IPv4 connections on an IPv6 address. */
  readonly ipv6Only?: boolean | undefined;
  /**
   * Other servers, in other threads and processes too, may listen at the same address if they say the same; the system
   * spreads the connections. Needs Node 22.12 and Linux, FreeBSD, Solaris or AIX.
   */
  readonly reusePort?: boolean | undefined;
}

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);

/** Node before 22.12 ignores `reusePort` in silence. */
const nodeKnowsReusePort: boolean = major > 23 || (major === 23 && minor >= 1) || (major === 22 && minor >= 12);

/** Whether servers can share an address by `reusePort` here. @internal */
export const sharesPorts: boolean =
  nodeKnowsReusePort && ['linux', 'freebsd', 'sunos', 'aix'].includes(process.platform);

/**
 * Listens, and resumes with `made()`; what comes too late is closed. Gives what takes it back.
 *
 * @throws {TypeError} `reusePort` where Node does not know it
 * @internal
 */
export function startListening<T>(
  server: Server,
  { host, port, path }: Endpoint,
  { backlog = 511, ipv6Only = false, reusePort = false }: ListeningOptions,
  resume: Resumer<T>,
  made: () => T,
): Cancel {
  if (reusePort && !nodeKnowsReusePort) {
    throw new TypeError(`reusePort is true: Node ${process.versions.node} has no such thing, it needs 22.12 or newer`);
  }
  const place = path === undefined ? { port, ipv6Only, reusePort, ...(host === '' ? {} : { host }) } : { path };
  server.once('error', (error) => resume.throw(error));
  server.listen({ ...place, backlog }, () => {
    server.removeAllListeners('error');
    if (!resume(made())) server.close();
  });
  return () => server.close();
}

/** What the tests of TLS share: certificates, and a connected pair. */
import { readFileSync } from 'node:fs';
import { type Coroutine, run } from 'genlet';
import { createConnection, listen, type TlsOptions, type TlsServerOptions, type TlsSocket } from 'genlet/io';

export const pathOf = (name: string): string => new URL(`./fixtures/${name}.pem`, import.meta.url).pathname;
const pem = (name: string): Buffer => readFileSync(pathOf(name));

export const key: Buffer = pem('key');
export const ca: Buffer = pem('ca');
/** Certificates by the names of their files. */
export const cert = {
  localhost: pem('localhost'),
  a: pem('a-example'),
  b: pem('b-example'),
  client: pem('client'),
  otherClient: pem('other-client'),
  expired: pem('expired'),
  selfSigned: pem('self-signed'),
  revoked: pem('revoked'),
  idn: pem('idn'),
  rsa: pem('rsa'),
};
export const rsaKey: Buffer = pem('rsa-key');
/** The list of those that the authority has taken back. */
export const crl: Buffer = pem('crl');

export const server: TlsServerOptions = { key, cert: cert.localhost };

/** A client and the server's side of its connection, both with TLS. */
export function* tlsPair(
  options: { client?: TlsOptions; server?: TlsServerOptions } = {},
): Coroutine<[client: TlsSocket, server: TlsSocket]> {
  using listener = yield* listen('127.0.0.1:0', { tls: { ...server, ...options.server } });
  const client = yield* createConnection(listener.address, { tls: { ca, ...options.client }, timeout: 5000 });
  return [client, yield* listener.accept({ timeout: 5000 })];
}

/** Runs `main` with a pair, which is closed afterwards. */
export function withTlsPair<T>(
  main: (client: TlsSocket, server: TlsSocket) => Coroutine<T>,
  options?: { client?: TlsOptions; server?: TlsServerOptions },
): Promise<T> {
  return run(function* () {
    const [client, server] = yield* tlsPair(options);
    try {
      return yield* main(client, server);
    } finally {
      client.abort();
      server.abort();
    }
  });
}

/** What `--tls`, `--cert` and `--key` of the servers come to. */
import type { Coroutine } from 'genlet';
import { checkOutput, fs } from 'genlet/io';
import { flag, text, type Values } from './options.ts';

export const tlsOptions = { tls: flag, cert: text(''), key: text('') };

export interface Certificate {
  readonly cert: Buffer;
  readonly key: Buffer;
}

/** Writes a key and a certificate that is good for localhost and a day, one behind the other. */
const OPENSSL = [
  ...['openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', '-', '-days', '1'],
  ...['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'],
];

/** Reads the certificate and its key, which may be in one file; has them made if none are named. */
export function* readCertificate(options: Values<typeof tlsOptions>): Coroutine<Certificate | undefined> {
  const { tls, cert, key } = options;
  if (!tls) return undefined;
  if (cert !== '') return { cert: yield* fs.readFile(cert), key: yield* fs.readFile(key || cert) };
  const made = yield* checkOutput(OPENSSL, { stderr: 'ignore' });
  return { cert: made, key: made };
}

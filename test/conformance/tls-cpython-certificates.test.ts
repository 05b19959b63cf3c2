/** CPython 3.13's test_ssl: whose certificate is trusted, and with which keys. */
import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { CertificateError, run, TlsError } from 'genlet';
import { createConnection, listen, type TlsOptions, type TlsServerOptions } from 'genlet/io';
import { describe, expect, it } from 'vitest';
import { eventually, thrown, watchResources } from '../io/support.ts';
import { ca, cert, crl, key, rsaKey, server as tls } from '../io/tls-support.ts';
import { watchHub } from '../support/hub.ts';

watchHub();
watchResources();

const here = '127.0.0.1:0';

/** Whether the client is authorized, and by which certificate; or why it fails. */
function trusted(client: TlsOptions, server: TlsServerOptions = {}, host = 'localhost'): Promise<unknown> {
  return run(function* () {
    using listener = yield* listen(here, { tls: { ...tls, ...server } });
    try {
      using near = yield* createConnection([host, listener.address.port], { tls: client, family: 4, timeout: 5000 });
      using _far = yield* listener.accept({ timeout: 5000 });
      return [near.authorized, near.peerCertificate()!.subject.CN];
    } catch (error) {
      if (!(error instanceof TlsError)) throw error;
      return error.reason;
    }
  });
}

describe('a certificate of a server', () => {
  it('must be for the host', async () => {
    expect(await trusted({ ca })).toEqual([true, 'localhost']);
    expect(await trusted({ ca, servername: 'invalid' })).toBe('ERR_TLS_CERT_ALTNAME_INVALID');
    expect(await trusted({ ca, servername: 'invalid', rejectUnauthorized: false })).toEqual([false, 'localhost']);
  });

  it('must be for the address, where the host is one', async () => {
    expect(await trusted({ ca }, {}, '127.0.0.1')).toEqual([true, 'localhost']);
    expect(await trusted({ ca }, { cert: cert.a }, '127.0.0.1')).toBe('ERR_TLS_CERT_ALTNAME_INVALID');
  });

  it('is not taken for its common name, if it has alternative names', async () => {
    expect(await trusted({ ca, servername: 'client' }, { cert: cert.client })).toBe('ERR_TLS_CERT_ALTNAME_INVALID');
    expect(await trusted({ ca, servername: 'client.example' }, { cert: cert.client })).toEqual([true, 'client']);
  });

  it('may be for all names of one level', async () => {
    const server = { cert: cert.b };
    expect(await trusted({ ca, servername: 'x.b.example' }, server)).toEqual([true, '*.b.example']);
    expect(await trusted({ ca, servername: 'x.y.b.example' }, server)).toBe('ERR_TLS_CERT_ALTNAME_INVALID');
  });

  it.each(['königsgässchen.example', 'xn--knigsgsschen-lcb0w.example'])(
    'may be for a name with other letters: %s',
    async (servername) => {
      expect(await trusted({ ca, servername }, { cert: cert.idn })).toEqual([true, 'localhost']);
      expect(await trusted({ ca, servername }, {})).toBe('ERR_TLS_CERT_ALTNAME_INVALID');
    },
  );

  it('names the reason, in its message too', () =>
    run(function* () {
      using listener = yield* listen(here, { tls });
      const error = yield* thrown(createConnection(listener.address, { tls: true }));
      expect(error).toBeInstanceOf(CertificateError);
      expect(error.message).toMatch(/unable to verify the first certificate.* \(UNABLE_TO_VERIFY_LEAF_SIGNATURE\)$/);
      expect(String(error)).toMatch(/^CertificateError: createConnection\(/);
    }));

  it('must not have been taken back', async () => {
    expect(await trusted({ ca, crl }, { cert: cert.localhost })).toEqual([true, 'localhost']);
    expect(await trusted({ ca, crl }, { cert: cert.revoked })).toBe('CERT_REVOKED');
    expect(await trusted({ ca }, { cert: cert.revoked })).toEqual([true, 'localhost']);
  });

  it('may be of one kind or the other, of which the client chooses', async () => {
    const both = { cert: [cert.localhost, cert.rsa], key: [key, rsaKey] };
    const ofRun = (sigalgs: string) =>
      run(function* () {
        using listener = yield* listen(here, { tls: both });
        using client = yield* createConnection(listener.address, { tls: { ca, sigalgs } });
        using _server = yield* listener.accept();
        return client.peerCertificate()!.asn1Curve ?? client.peerCertificate()!.bits;
      });
    expect(await ofRun('ECDSA+SHA256')).toBe('prime256v1');
    expect(await ofRun('rsa_pss_rsae_sha256')).toBe(2048);
  });
});

describe('a key', () => {
  const secret = createPrivateKey(key).export({
    type: 'pkcs8',
    format: 'pem',
    cipher: 'aes-256-cbc',
    passphrase: 'somepass',
  });

  it('with a passphrase needs that', async () => {
    expect(await trusted({ ca }, { key: secret, passphrase: 'somepass' })).toEqual([true, 'localhost']);
    expect(() => listen(here, { tls: { ...tls, key: secret, passphrase: 'badpass' } })).toThrow();
    expect(() => listen(here, { tls: { ...tls, key: secret } })).toThrow();
  });

  it('that belongs to another certificate is refused', () => {
    expect(() =>
      listen(here, {
        tls: {
          cert: cert.localhost,
          key: generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' }),
        },
      }),
    ).toThrow(/mismatch/);
  });
});

describe('a certificate of a client', () => {
  const asks: TlsServerOptions = { requestCert: true, ca };

  it.each(['TLSv1.2', 'TLSv1.3'] as const)(
    'that is wrong is refused, at the latest where the client reads: %s',
    (version) =>
      run(function* () {
        const failures: Error[] = [];
        const onHandshakeError = (error: Error) => void failures.push(error);
        using listener = yield* listen(here, { tls: { ...tls, ...asks, onHandshakeError } });
        const attempt = function* () {
          const options = { ca, key, cert: cert.selfSigned, maxVersion: version };
          using client = yield* createConnection(listener.address, { tls: options });
          yield* client.sendall('data');
          yield* client.recvExactly(4);
        };
        const error = yield* thrown(attempt());
        expect(error.code).toMatch(/^(GENLET_TLS|GENLET_INCOMPLETE_READ|ECONNRESET|EPIPE)$/);
        yield* eventually(() => failures.length === 1);
        expect(failures[0]).toMatchObject({ code: 'GENLET_CERTIFICATE', reason: 'DEPTH_ZERO_SELF_SIGNED_CERT' });
        expect(listener.waiting).toBe(0);
      }),
  );

  it('is asked for or not, and may be missing where it is only wished for', () =>
    run(function* () {
      const seen: unknown[] = [];
      for (const server of [{}, { ...asks, rejectUnauthorized: false }, asks]) {
        using listener = yield* listen(here, { tls: { ...tls, ...server } });
        for (const own of [{}, { key, cert: cert.client }]) {
          if (server === asks && !('cert' in own)) continue;
          using _client = yield* createConnection(listener.address, { tls: { ca, ...own } });
          using accepted = yield* listener.accept();
          seen.push([accepted.authorized, accepted.peerCertificate()?.subject.CN]);
        }
      }
      expect(seen).toEqual([
        [false, undefined],
        [false, undefined],
        [false, undefined],
        [true, 'client'],
        [true, 'client'],
      ]);
    }));

  it('shows the chain to the authority', () =>
    run(function* () {
      using listener = yield* listen(here, { tls: { ...tls, ...asks } });
      using _client = yield* createConnection(listener.address, { tls: { ca, key, cert: cert.client } });
      using server = yield* listener.accept();
      const shown = server.peerCertificate(true)!;
      expect([shown.subject.CN, shown.issuerCertificate.subject.CN]).toEqual(['client', 'genlet test authority']);
      expect(shown.issuerCertificate.issuerCertificate).toBe(shown.issuerCertificate);
    }));
});

/** What Node reports of TLS, told apart from what the system reports of the connection below, and put into words. */
import { CertificateError, TlsError } from '../core/errors.ts';

type NodeError = Error & { code?: string; reason?: string; library?: string };

/** Failures that are about the certificate of the other side, though OpenSSL reports them as its own. */
const ABOUT_CERTIFICATES = /PEER_DID_NOT_RETURN_A_CERTIFICATE|CERT_ALTNAME|CERTIFICATE_VERIFY_FAILED/;

/** @internal */
export function asTlsError(error: NodeError, call: string): Error {
  const { code = 'UNKNOWN', reason, library, message } = error;
  if (ABOUT_CERTIFICATES.test(code)) return new CertificateError(words(), code, { cause: error });
  if (library !== undefined || code === 'EPROTO' || code.startsWith('ERR_SSL') || code.startsWith('ERR_TLS')) {
    return new TlsError(words(), code, { cause: error });
  }
  return error;

  function words(): string {
    return `${call}: ${reason || message.replace(/\s+$/, '')} (${code})`;
  }
}

/** The certificate was refused by this side, which `code` says why. @internal */
export function asCertificateError(code: string, call: string, cause?: Error): CertificateError {
  const text = cause?.message || 'the certificate of the other side is refused';
  return new CertificateError(`${call}: ${text} (${code})`, code, cause && { cause });
}

/** The client's part of a handshake, on a connected socket. */
import type { Socket as Stream } from 'node:net';
import { connect, type TLSSocket } from 'node:tls';
import { hub } from '../core/hub.ts';
import { asCertificateError, asTlsError } from './tls-error.ts';
import type { ClientTls } from './tls-options.ts';

/** Called once, with what the handshake came to. @internal */
export type Shaken = (error: Error | undefined, stream?: TLSSocket) => void;

/**
 * Begins a handshake, and gives what breaks it off. When it has failed, or is broken off, the connection is closed.
 * `call` names the call in messages. @internal
 */
export function shakeAsClient(
  transport: Stream,
  { hostname, connect: options }: ClientTls,
  call: string,
  shaken: Shaken,
): () => void {
  let stream: TLSSocket;
  try {
    stream = connect({ ...options, host: hostname, socket: transport });
  } catch (error) {
    transport.on('error', ignore).destroy();
    shaken(error as Error);
    return ignore;
  }
  hub.outside++;
  const end = (): void => {
    hub.outside--;
    stream.off('secureConnect', succeed).off('error', fail).off('close', close).off('session', ignore);
    transport.off('end', close);
  };
  const breakOff = (): void => {
    end();
    stream.on('error', ignore).destroy();
  };
  const succeed = (): void => {
    end();
    shaken(undefined, stream);
  };
  const fail = (error: Error): void => {
    breakOff();
    const refusal = stream.authorizationError as unknown as string | null;
    shaken(refusal ? asCertificateError(refusal, call, error) : asTlsError(error, call));
  };
  const close = (): void => fail(hungUp(call));
  // Node makes sessions known only if somebody listens before the handshake.
  stream.on('secureConnect', succeed).on('error', fail).on('close', close).on('session', ignore);
  transport.on('end', close);
  return breakOff;
}

/** @internal */
export const ignore = (): void => {};

/** @internal */
export function hungUp(call: string): Error {
  return Object.assign(new Error(`${call}: the peer has closed the connection in the handshake`), {
    code: 'ECONNRESET',
  });
}

/** Sockets and servers for `yield*`, and the calls of genlet's `Socket` on sockets of Node. */
import type { PathLike } from 'node:fs';
import type { TLSSocket } from 'node:tls';
import type { Operation, Suspension } from '../../../core/operation.ts';
import type { File } from '../../file.ts';
import type { SendFileOptions } from '../../send-file.ts';
import type { ReadLineOptions, ReadUntilOptions, TransferOptions } from '../../socket.ts';

/** What only TLS servers have. `https.Server` inherits `accept` twice, so it can't be declared anew for them. */
interface SecureServer {
  setSecureContext(options: never): void;
}

declare module 'node:net' {
  interface Socket {
    /** In a greenlet, `yield* socket` waits until the socket is connected, and gives it. */
    [Symbol.iterator](): Iterator<Suspension, this, any>;
    /** In a greenlet: gives the bytes that are there, at most `n`; an empty buffer at the end. As genlet's `Socket.recv`. */
    recv(n?: number, options?: TransferOptions): Operation<Buffer>;
    /** In a greenlet: as `recv`, into the memory of `target`; gives the number of bytes. As genlet's `Socket.recvInto`. */
    recvInto(target: Uint8Array, options?: TransferOptions): Operation<number>;
    /** In a greenlet: gives exactly `n` bytes. As genlet's `Socket.recvExactly`. */
    recvExactly(n: number, options?: TransferOptions): Operation<Buffer>;
    /** In a greenlet: gives the bytes up to and with `separator`. As genlet's `Socket.readUntil`. */
    readUntil(separator: string | Uint8Array, options?: ReadUntilOptions): Operation<Buffer>;
    /** In a greenlet: gives the next line; `undefined` at the end. As genlet's `Socket.readline`. */
    readline(options?: ReadLineOptions): Operation<string | undefined>;
    /** In a greenlet: sends some of `data`, and gives the number of bytes. As genlet's `Socket.send`. */
    send(data: string | Uint8Array, options?: TransferOptions): Operation<number>;
    /** In a greenlet: sends all of `data`. As genlet's `Socket.sendall`. */
    sendall(data: string | Uint8Array, options?: TransferOptions): Operation<void>;
    /** In a greenlet: sends a file, and gives the number of bytes. As genlet's `Socket.sendFile`. */
    sendFile(file: File | PathLike, options?: SendFileOptions): Operation<number>;
  }

  interface Server {
    /** In a greenlet, `yield* server` waits until the server listens, and gives it. */
    [Symbol.iterator](): Iterator<Suspension, this, any>;
    /** In a greenlet: waits for the next connection; that of a TLS server, for one whose handshake is done. */
    accept(options?: TransferOptions): Operation<this extends SecureServer ? TLSSocket : Socket>;
  }
}

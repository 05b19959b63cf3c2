/**
 * How two processes prove to each other that they have the same key, without showing it.
 *
 * Both send a hello with a fresh nonce. Then the client proves first, so that a server never signs anything for a
 * stranger: an HMAC over its role and both hellos, and the server answers with its own. The role keeps a proof from being
 * sent back, the hellos from being used again, and what they say from being changed on the way. Until then no more than
 * `LONGEST` bytes are read at once.
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { AuthenticationError, IncompleteReadError } from '../../core/errors.ts';
import type { Coroutine } from '../../core/operation.ts';
import { withTimeout } from '../../core/timeout.ts';
import type { Socket } from '../../io/socket.ts';
import { Opener, Sealer, type Side } from './seal.ts';

const MAGIC = Buffer.from('genlet1\n');
const NONCE_BYTES = 32;
const HELLO_BYTES = MAGIC.length + 1 + NONCE_BYTES;
const PROOF_BYTES = 32;
/** The longest frame before the other side has proven itself. */
const LONGEST = 256;
/** Says that the proof was wrong. */
const REFUSED = Buffer.of(0);

/** What both sides have agreed upon. @internal */
export interface Agreement {
  readonly sealer: Sealer | undefined;
  readonly opener: Opener | undefined;
}

/** What one side asks for. @internal */
export interface HandshakeTerms {
  readonly authkey: Buffer;
  readonly encrypt: boolean;
  /** How long it may take, in milliseconds. */
  readonly limit: number;
}

/** @throws {AuthenticationError} the other side has another key, speaks something else or wants other things @internal */
export function* handshake(socket: Socket, side: Side, terms: HandshakeTerms): Coroutine<Agreement> {
  try {
    return yield* withTimeout(terms.limit, () => shake(socket, side, terms));
  } catch (error) {
    if (!(error instanceof IncompleteReadError)) throw error;
    throw new AuthenticationError(`${socket.remote} closed the connection before it had proven itself`, {
      cause: error,
    });
  }
}

function* shake(socket: Socket, side: Side, { authkey, encrypt }: HandshakeTerms): Coroutine<Agreement> {
  const mine = Buffer.concat([MAGIC, Buffer.of(encrypt ? 1 : 0), randomBytes(NONCE_BYTES)]);
  yield* send(socket, mine);
  const theirs = yield* receive(socket);
  if (theirs.length !== HELLO_BYTES || !theirs.subarray(0, MAGIC.length).equals(MAGIC)) {
    throw new AuthenticationError(`${socket.remote} speaks something else than genlet's connections`);
  }
  if (theirs.equals(mine)) throw new AuthenticationError(`${socket.remote} sends back what it gets`);
  if (theirs[MAGIC.length] !== mine[MAGIC.length]) {
    throw new AuthenticationError(
      `${socket.remote} ${encrypt ? 'does not encrypt' : 'encrypts'}: both sides must be given the same \`encrypt\``,
    );
  }
  const hellos = Buffer.concat(side === 'client' ? [mine, theirs] : [theirs, mine]);
  const proof = (role: Side) => createHmac('sha256', authkey).update(`genlet ${role}\n`).update(hellos).digest();
  if (side === 'client') yield* send(socket, proof('client'));
  const other = side === 'client' ? 'server' : 'client';
  const theirProof = yield* receive(socket);
  if (theirProof.length !== PROOF_BYTES || !timingSafeEqual(theirProof, proof(other))) {
    if (side === 'server') yield* send(socket, REFUSED);
    const what = theirProof.equals(REFUSED) ? 'refused this authkey' : 'has another authkey';
    throw new AuthenticationError(`${socket.remote} ${what}`);
  }
  if (side === 'server') yield* send(socket, proof('server'));
  if (!encrypt) return { sealer: undefined, opener: undefined };
  return { sealer: new Sealer(authkey, hellos, side), opener: new Opener(authkey, hellos, other) };
}

function* send(socket: Socket, bytes: Buffer): Coroutine<void> {
  const frame = Buffer.alloc(4 + bytes.length);
  frame.writeUInt32LE(bytes.length);
  frame.set(bytes, 4);
  yield* socket.sendall(frame);
}

function* receive(socket: Socket): Coroutine<Buffer> {
  const length = (yield* socket.recvExactly(4)).readUInt32LE();
  if (length > LONGEST) {
    throw new AuthenticationError(`${socket.remote} sends a frame of ${length} bytes before it has proven itself`);
  }
  return yield* socket.recvExactly(length);
}

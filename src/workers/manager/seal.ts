/**
 * Encryption of frames: AES-256-GCM with a key for each direction and the number of the frame as nonce, so that no frame
 * can be read, changed, left out, repeated or sent back.
 */
import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto';

const TAG_BYTES = 16;

/** Who has opened the connection, and who has accepted it. @internal */
export type Side = 'client' | 'server';

/** One direction of an encrypted connection. */
abstract class Seal {
  protected readonly key: Buffer;
  readonly #nonce: Buffer = Buffer.alloc(12);
  #frames = 0n;

  constructor(authkey: Uint8Array, nonces: Uint8Array, sender: Side) {
    this.key = Buffer.from(hkdfSync('sha256', authkey, nonces, `genlet frames of the ${sender}`, 32));
  }

  protected nextNonce(): Buffer {
    this.#nonce.writeBigUInt64BE(this.#frames++, 4);
    return this.#nonce;
  }
}

/** Encrypts what is sent. @internal */
export class Sealer extends Seal {
  /** Bytes that a frame gets longer. */
  static readonly EXTRA: number = TAG_BYTES;

  seal(plain: Uint8Array): Buffer[] {
    const cipher = createCipheriv('aes-256-gcm', this.key, this.nextNonce());
    return [cipher.update(plain), cipher.final(), cipher.getAuthTag()];
  }
}

/** Decrypts what has come. @internal */
export class Opener extends Seal {
  /** @throws {Error} it is not the next frame that the other side has sent */
  open(sealed: Buffer): Buffer {
    const end = sealed.length - TAG_BYTES;
    if (end < 0) throw new Error('a frame is too short to be encrypted');
    const decipher = createDecipheriv('aes-256-gcm', this.key, this.nextNonce());
    decipher.setAuthTag(sealed.subarray(end));
    try {
      const plain = decipher.update(sealed.subarray(0, end));
      decipher.final();
      return plain;
    } catch {
      throw new Error('a frame is not what the other side has sent: it was changed on the way');
    }
  }
}

/** Reading text: bytes are taken as far as they are whole characters, so that nothing has to be kept beside the queue. */
import type { ByteQueue } from './byte-queue.ts';
import type { Inbound } from './inbound.ts';
import { Read, ReadToEnd } from './reads.ts';
import { LATER } from './transfer.ts';

/** The longest character of any encoding, in bytes. */
const LONGEST = 4;

/** Some text: at least a character, as much as `most` bytes hold if that is more. @internal */
export class ReadText extends Read<string> {
  readonly #most: number;
  readonly #encoding: BufferEncoding;

  constructor(inbound: Inbound, most: number, encoding: BufferEncoding, timeout: number | undefined) {
    super(inbound, 'read()', timeout);
    this.#most = most;
    this.#encoding = encoding;
  }

  take(bytes: ByteQueue): string | typeof LATER {
    if (bytes.length === 0) return LATER;
    const chunk = bytes.takeSome(this.#most);
    const whole = countWhole(chunk, this.#encoding);
    if (whole < chunk.length) bytes.unshift(chunk.subarray(whole));
    return whole > 0 ? chunk.toString(this.#encoding, 0, whole) : this.#takeOne(bytes);
  }

  /** A character that goes over the end of a chunk, or is longer than was asked for. */
  #takeOne(bytes: ByteQueue): string | typeof LATER {
    for (let size = 2; size <= Math.min(LONGEST, bytes.length); size++) {
      const candidate = bytes.take(size);
      if (countWhole(candidate, this.#encoding) === size) return candidate.toString(this.#encoding);
      bytes.unshift(candidate);
    }
    return LATER;
  }

  /** All that is left may be the beginning of a character. */
  atEnd(bytes: ByteQueue): string {
    return bytes.take(bytes.length).toString(this.#encoding);
  }
}

/** As `ReadAll`, decoded. @internal */
export class ReadAllText extends ReadToEnd<string> {
  readonly #encoding: BufferEncoding;

  constructor(inbound: Inbound, limit: number, encoding: BufferEncoding, timeout: number | undefined) {
    super(inbound, limit, timeout);
    this.#encoding = encoding;
  }

  atEnd(bytes: ByteQueue): string {
    return bytes.take(bytes.length).toString(this.#encoding);
  }
}

/** How many of `bytes`, from the first on, make whole characters. */
function countWhole(bytes: Buffer, encoding: BufferEncoding): number {
  const { length } = bytes;
  switch (encoding.toLowerCase()) {
    case 'utf8':
    case 'utf-8':
      return length - startedInUtf8(bytes);
    case 'ucs2':
    case 'ucs-2':
    case 'utf16le':
    case 'utf-16le': {
      const even = length - (length % 2);
      return even > 0 && (bytes[even - 1]! & 0xfc) === 0xd8 ? even - 2 : even;
    }
    case 'base64':
    case 'base64url':
      return length - (length % 3);
    default:
      return length;
  }
}

/** How many bytes at the end begin a character that they don't complete. */
function startedInUtf8(bytes: Buffer): number {
  for (let count = 1; count < LONGEST && count <= bytes.length; count++) {
    const byte = bytes[bytes.length - count]!;
    if ((byte & 0xc0) === 0x80) continue;
    const size = byte < 0xc0 || byte >= 0xf8 ? 1 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
    return size > count ? count : 0;
  }
  return 0;
}

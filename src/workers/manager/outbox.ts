/** Messages on their way out: those of one pass of the hub go into one frame, unless they are many bytes. */
import { hub } from '../../core/hub.ts';
import type { Specials } from './codec-format.ts';
import { Encoder } from './encoder.ts';
import { HEADER } from './frame-socket.ts';
import type { Wire } from './protocol.ts';

/** Bytes from which on a frame is not made longer. */
const LARGE = 262_144;

/** @internal */
export class Outbox {
  readonly #wire: Wire;
  readonly #encoder: Encoder;
  readonly #large: number;
  readonly #longest: number;
  #isWriting = false;
  #isDue = false;
  /** Length of the frame before the message that is written. */
  #before = 0;

  constructor(wire: Wire, specials: Specials) {
    this.#wire = wire;
    this.#encoder = new Encoder(specials);
    this.#large = Math.min(LARGE, Math.floor(wire.longest / 2));
    this.#longest = wire.longest - this.#large;
  }

  /** Begins a message. */
  open(): Encoder {
    const encoder = this.#encoder;
    if (this.#isWriting && encoder.length > this.#large) this.flush();
    if (!this.#isWriting) {
      this.#isWriting = true;
      encoder.begin(HEADER);
    }
    this.#before = encoder.length;
    return encoder;
  }

  /** The message is complete. @throws {RangeError} it is too long, and will not be sent */
  seal(): void {
    const length = this.#encoder.length - this.#before;
    if (length > this.#longest) {
      this.drop();
      throw new RangeError(`what is to be sent takes ${length} bytes: maxFrame allows ${this.#longest}`);
    }
    if (this.#isDue) return;
    this.#isDue = true;
    hub.callSoon(() => {
      if (this.#isDue) this.flush();
    });
  }

  /** The message could not be written. */
  drop(): void {
    this.#encoder.rewind(this.#before);
  }

  /** Sends what there is. */
  flush(): void {
    this.#isDue = false;
    if (!this.#isWriting) return;
    this.#isWriting = false;
    if (this.#encoder.length > HEADER) this.#wire.send(this.#encoder.take());
  }
}

/** A manager and its proxies in one process: frames go from hand to hand, in the hub's next pass. */
import { hub } from '../../core/hub.ts';
import { type FrameReceiver, HEADER } from './frame-socket.ts';
import type { Wire } from './protocol.ts';

/** @internal */
export class MemoryWire implements Wire {
  readonly longest: number = Number.MAX_SAFE_INTEGER;
  #other!: MemoryWire;
  #receiver: FrameReceiver | undefined;
  #closed = false;

  /** Takes note of who waits (1), and no longer waits (-1). */
  readonly hold: (by: 1 | -1) => void;

  constructor(hold: (by: 1 | -1) => void) {
    this.hold = hold;
  }

  /** The two ends. */
  static pair(hold: (by: 1 | -1) => void): [MemoryWire, MemoryWire] {
    const [one, other] = [new MemoryWire(hold), new MemoryWire(hold)];
    one.#other = other;
    other.#other = one;
    return [one, other];
  }

  start(receiver: FrameReceiver): void {
    this.#receiver = receiver;
  }

  get writable(): boolean {
    return true;
  }

  /** In the hub's next pass, so that nobody is called back by his own call. */
  send(frame: Buffer): void {
    hub.callSoon(() => {
      if (!this.#closed) this.#other.#receiver?.receive(frame.subarray(HEADER));
    });
  }

  /** Frames don't wait here: whoever calls waits for the answers. */
  pause(): void {}

  resume(): void {}

  close(): void {
    if (this.#closed) return;
    this.#closed = this.#other.#closed = true;
    for (const end of [this, this.#other]) hub.callSoon(() => end.#receiver?.ended(undefined));
  }
}

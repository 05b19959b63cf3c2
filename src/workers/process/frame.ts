/**
 * Values as bytes between processes, in the codec of the connections between programs, with a place in it for objects
 * that cross as what they are. Who passes a frame on reads nothing of it but the ends of channels that it carries.
 */
import { CROSS, isCrossable, revive } from '../crossing.ts';
import { Decoder } from '../manager/decoder.ts';
import { Encoder } from '../manager/encoder.ts';
import { type ChannelEnd, dropFrame } from './channel-end.ts';

/** What travels. @internal */
export interface Frame {
  /** A few bytes that stand before the others. */
  readonly head: Buffer | undefined;
  readonly bytes: Buffer;
  readonly ends: readonly ChannelEnd[];
}

/** A frame whose ends are still where they were. @internal */
export interface Draft {
  readonly bytes: Buffer;
  readonly ends: readonly (() => ChannelEnd)[];
}

const NO_ENDS: readonly never[] = [];
const NOTHING = Buffer.alloc(0);

/** It comes from the same program, so there is no need for narrow limits. */
const LIMITS = { depth: 1000, values: Number.POSITIVE_INFINITY };

/** What the value that is just encoded carries; the ends that came with the one that is just decoded. */
let given: (() => ChannelEnd)[] = [];
let arrived: readonly ChannelEnd[] = NO_ENDS;

const specials = {
  pack(value: object): unknown {
    if (!isCrossable(value)) return undefined;
    const { kind, data, end } = value[CROSS]();
    return [kind, data, end === undefined ? -1 : given.push(end) - 1];
  },
  unpack(packed: unknown): object {
    const [kind, data, end] = packed as [string, unknown, number];
    return revive(kind, data, arrived[end]);
  },
};
const encoder = new Encoder(specials, LIMITS);
const decoder = new Decoder(specials, LIMITS);

/**
 * The value as it is now.
 *
 * @throws {UncloneableError} something in it can't be sent
 * @internal
 */
export function encode(value: unknown, name = 'value'): Draft {
  given = [];
  encoder.begin(0);
  encoder.value(value, name);
  return { bytes: encoder.take(), ends: given.length === 0 ? NO_ENDS : given };
}

/** Takes the ends from where they were: the frame is sent. @internal */
export function commit(draft: Draft): Frame {
  return {
    head: undefined,
    bytes: draft.bytes,
    ends: draft.ends === NO_ENDS ? NO_ENDS : draft.ends.map((end) => end()),
  };
}

/** @internal */
export function decode({ bytes, ends }: Frame): unknown {
  arrived = ends;
  decoder.begin(bytes);
  try {
    return decoder.value();
  } finally {
    decoder.end();
    arrived = NO_ENDS;
  }
}

/** A frame that says nothing but what its head says, or carries the bytes of another. @internal */
export function headed(head: Buffer, body?: Frame): Frame {
  return { head, bytes: body?.bytes ?? NOTHING, ends: body?.ends ?? NO_ENDS };
}

/** The head of `length` bytes and the rest of a frame that was made by `headed`; `undefined` if it is too short. @internal */
export function beheaded(frame: Frame, length: number): { head: Buffer; body: Frame } | undefined {
  const { head, bytes, ends } = frame;
  if (head !== undefined) return { head, body: { head: undefined, bytes, ends } };
  if (bytes.length < length) {
    dropFrame(frame);
    return undefined;
  }
  return { head: bytes.subarray(0, length), body: { head: undefined, bytes: bytes.subarray(length), ends } };
}

/** What it counts for where the amount is limited. @internal */
export function sizeOf(frame: Frame | Draft): number {
  return frame.bytes.length + 64;
}

/**
 * Objects that stay what they are when they are sent to another process: connections, queues, locks, proxies. A clone
 * would lose them, so in their place goes a parcel: their kind, data to build them again, and perhaps the end of a
 * channel, which the frame moves to wherever it arrives.
 */
import { show } from '../core/check.ts';
import type { ChannelEnd } from './process/channel-end.ts';

/** The method that packs an object for another process. @internal */
export const CROSS: unique symbol = Symbol.for('genlet.cross') as never;

/** The method that packs an object for another thread: see `remote/cargo.ts`. @internal */
export const PACK: unique symbol = Symbol.for('genlet.pack') as never;

/** What goes in place of an object. @internal */
export interface Parcel {
  /** Known to both sides by `registerCrossing`. */
  readonly kind: string;
  /** Whatever can be sent. */
  readonly data?: unknown;
  /** Gives the end of a channel that goes with it; called when the frame is sent, and never if it is not. */
  readonly end?: () => ChannelEnd;
}

/** An object that can be sent to another process. @internal */
export interface Crossable {
  [CROSS](): Parcel;
}

type Revive = (data: never, end: ChannelEnd | undefined) => object;

const kinds = new Map<string, Revive>();

/** Says how an object of a kind is built again where it arrives. @internal */
export function registerCrossing(kind: string, revive: Revive): void {
  kinds.set(kind, revive);
}

/** @internal */
export function isCrossable(value: object): value is Crossable {
  return typeof (value as Partial<Crossable>)[CROSS] === 'function';
}

/** Builds what was packed. @internal */
export function revive(kind: string, data: unknown, end: ChannelEnd | undefined): object {
  const build = kinds.get(kind);
  if (build === undefined) throw new TypeError(`a ${show(kind)} arrived, which this process doesn't know how to build`);
  return build(data as never, end);
}

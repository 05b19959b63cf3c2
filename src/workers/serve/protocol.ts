/** What the main thread and the workers of `serve` say to each other. */
import type { Socket } from 'node:net';
import type { Endpoint } from '../../io/address.ts';
import type { PackedError } from '../packed-error.ts';
import type { FunctionReference } from '../reference.ts';
import type { ServeMode } from './mode.ts';

/** An address that can be cloned. @internal */
export type Place = Pick<Endpoint, 'host' | 'port' | 'path'>;

/** To the worker. @internal */
export type Order =
  | { readonly kind: 'start'; readonly start: Start }
  | { readonly kind: 'stop'; readonly timeout: number | null }
  /** To a process the stream goes beside the message. */
  | { readonly kind: 'connection'; readonly stream?: Socket };

/** @internal */
export interface Start {
  readonly name: string;
  readonly make: FunctionReference;
  readonly args: readonly unknown[];
  readonly mode: ServeMode;
  /** In place of the address of the server that `make` makes. */
  readonly place: Place | undefined;
  /** The main program, if it has told. */
  readonly program: string | undefined;
}

/** From the worker. @internal */
export type Report =
  | { readonly kind: 'loaded' }
  | { readonly kind: 'started'; readonly place: Place }
  | { readonly kind: 'failed'; readonly error: PackedError }
  /** How many connections it was given so far, and how many are open. */
  | { readonly kind: 'load'; readonly given: number; readonly open: number };

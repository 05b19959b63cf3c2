/** `node:zlib`: the functions with a `…Sync` twin, and `flush`, `params` and `close` of its streams. */
import { type DualRule, dual } from './dual.ts';
import type { Target } from './install.ts';
import { builtin, namesWithTwins } from './modules.ts';

/** @internal */
export function zlibTargets(): Target[] {
  const zlib = builtin('zlib');
  const names = namesWithTwins(zlib).filter((name) => !name.startsWith('create'));
  return [
    ...names.map((name) => dual('zlib', '', zlib, name)),
    ...Object.keys(methods).map((name) => ofStreams(zlib.Gzip.prototype, name)),
  ];
}

const methods: Record<string, DualRule> = { flush: { least: 0 }, params: { at: 2 }, close: { least: 0, call: close } };

/** The prototype that all streams share has no name in `zlib`. */
function ofStreams(prototype: object, name: string): Target {
  let holder = prototype;
  while (!Object.hasOwn(holder, name)) holder = Object.getPrototypeOf(holder);
  return dual('zlib', `${holder.constructor.name}.prototype.`, holder, name, methods[name]!);
}

/** That it is closed before its end is what was asked for. */
function close(original: (callback: (error: unknown) => void) => unknown, stream: unknown, args: unknown[]): unknown {
  const callback = args[0] as (error: unknown) => void;
  const closed = (error: NodeJS.ErrnoException | null | undefined) =>
    callback(error?.code === 'ERR_STREAM_PREMATURE_CLOSE' ? undefined : error);
  return Reflect.apply(original, stream, [closed]);
}

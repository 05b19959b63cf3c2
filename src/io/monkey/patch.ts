/** Patching Node's modules, and what can be asked about it. */
import { show } from '../../core/check.ts';
import { PatchEvent, type PatchName, patchEvents } from './patch-events.ts';
import { allInstalled, allows, patchNames, patchParts, unpatchParts } from './patched.ts';
import { shared } from './shared.ts';

/** What `patchAll` leaves out: each part is patched unless it is `false`. */
export type PatchOptions = { readonly [name in PatchName]?: boolean | undefined };

/**
 * Patches Node's modules, so that they can be used in blocking style inside greenlets: a function that takes a callback is
 * called without it, and `yield*` gives what the callback would get. Whatever was possible before goes on as it was.
 *
 * Acts at once, in any order with imports, and may be called repeatedly. Gives `false` if a listener of `patchEvents`
 * forbade some of it. Follows `gevent.monkey.patch_all`; see docs/monkey-patching.md.
 *
 * @throws {TypeError} an option has a name that is none
 * @example
 * ```ts
 * import { readFile } from 'node:fs';
 * import { run } from 'genlet';
 * import { patchAll } from 'genlet/monkey';
 *
 * patchAll();
 * await run(function* () {
 *   const text = yield* readFile(new URL(import.meta.url), 'utf8');
 *   console.log(text.includes('readFile')); // => true
 *   yield* setTimeout(5);
 * });
 * ```
 */
export function patchAll(options: PatchOptions = {}): boolean {
  for (const name of Object.keys(options)) {
    if (!patchNames.includes(name as PatchName)) {
      throw new TypeError(`options has ${show(name)}: give some of ${patchNames.join(', ')}`);
    }
  }
  const event = new PatchEvent(patchNames.filter((name) => options[name] !== false));
  if (!allows('willPatchAll', event)) return false;
  const patched = patchParts(event.modules);
  patchEvents.emit('didPatchAll', event);
  return patched;
}

/** Patches `node:fs` alone: its functions that have a `…Sync` twin. `false` if a listener of `patchEvents` forbade it. */
export function patchFs(): boolean {
  return patchParts(['fs']);
}

/**
 * Patches `node:net` alone: `yield*` waits until a socket is connected and until a server listens or has closed;
 * sockets get `recv`, `recvInto`, `recvExactly`, `readUntil`, `readline`, `send`, `sendall` and `sendFile`, servers `accept`.
 */
export function patchNet(): boolean {
  return patchParts(['net']);
}

/** Patches `node:tls` alone: `yield*` waits until the handshake of a socket is done. */
export function patchTls(): boolean {
  return patchParts(['tls']);
}

/** Patches `node:dgram` alone: `send`, `connect`; `yield*` waits until a socket is bound. */
export function patchDgram(): boolean {
  return patchParts(['dgram']);
}

/** Patches `node:timers` and the globals alone: `setTimeout(ms, value)`, `setImmediate(value)`, `setInterval(ms)`. */
export function patchTimers(): boolean {
  return patchParts(['timers']);
}

/** Patches `node:dns` alone: the queries, and those of `Resolver`. */
export function patchDns(): boolean {
  return patchParts(['dns']);
}

/** Patches `node:child_process` alone: `yield*` waits for the end of a child. */
export function patchChildProcess(): boolean {
  return patchParts(['childProcess']);
}

/** Patches `node:http` and `node:https` alone: `yield*` gives the response to a request. */
export function patchHttp(): boolean {
  return patchParts(['http']);
}

/** Patches `node:zlib` alone: its functions that have a `…Sync` twin, and `flush`, `params`, `close` of its streams. */
export function patchZlib(): boolean {
  return patchParts(['zlib']);
}

/** Patches `node:crypto` alone: its functions that have a `…Sync` twin. */
export function patchCrypto(): boolean {
  return patchParts(['crypto']);
}

/** Patches `node:stream` alone: `finished`, `pipeline`; `yield*` waits for the end of a stream. */
export function patchStream(): boolean {
  return patchParts(['stream']);
}

/** Patches `node:readline` alone: `question`. */
export function patchReadline(): boolean {
  return patchParts(['readline']);
}

/** Patches promises alone: `yield*` waits for one. */
export function patchPromise(): boolean {
  return patchParts(['promise']);
}

/**
 * Takes back all that this copy of genlet has patched: each property is again what it was. One that somebody else has
 * replaced meanwhile is left to them, and the wrapper that they call just calls the original.
 */
export function unpatchAll(): void {
  unpatchParts();
}

/**
 * Whether this copy of genlet has patched a module of Node, such as `'fs'` or `'node:fs'`, or in it what is called `name`:
 * `'readFile'`, `'Resolver.prototype.resolve4'`. The globals are those of `'globalThis'`. Follows
 * `gevent.monkey.is_object_patched`.
 */
export function isPatched(module: string, name?: string): boolean {
  const bare = bareName(module);
  return allInstalled().some(({ part }) => part.module === bare && (name === undefined || part.name === name));
}

/**
 * What a name of a module of Node stood for before it was patched, by any copy of genlet; what it stands for, if it was not.
 * Follows `gevent.monkey.get_original`.
 *
 * @throws {TypeError} there is no such module
 * @example
 * ```ts
 * import fs from 'node:fs';
 * import { getOriginal, patchFs } from 'genlet/monkey';
 *
 * const before = fs.readFile;
 * patchFs();
 * console.log(fs.readFile === before, getOriginal('fs', 'readFile') === before); // => false true
 * ```
 */
export function getOriginal(module: string, name: string): unknown {
  const bare = bareName(module);
  for (const patch of shared.patches) {
    if (patch.parts.some((part) => part.module === bare && part.name === name)) return patch.original;
  }
  const holder: unknown = bare === 'globalThis' ? globalThis : process.getBuiltinModule(bare);
  if (holder === undefined) throw new TypeError(`module is ${show(module)}: give one of Node, such as 'fs'`);
  return name.split('.').reduce<any>((value, key) => value?.[key], holder);
}

const bareName = (module: string): string => module.replace(/^node:/, '');

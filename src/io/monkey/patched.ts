/** What this copy of genlet has patched. */
import { syncBuiltinESMExports } from 'node:module';
import { copy } from './copy.ts';
import { type Installed, install, type Target, uninstall } from './install.ts';
import { childProcessTargets } from './patch-child-process.ts';
import { cryptoTargets } from './patch-crypto.ts';
import { dgramTargets } from './patch-dgram.ts';
import { dnsTargets } from './patch-dns.ts';
import { PatchEvent, type PatchEventMap, type PatchName, patchEvents } from './patch-events.ts';
import { fsTargets, nestedFsTargets } from './patch-fs.ts';
import { httpTargets } from './patch-http.ts';
import { netTargets, tlsTargets } from './patch-net.ts';
import { promiseTargets } from './patch-promise.ts';
import { readlineTargets } from './patch-readline.ts';
import { streamTargets } from './patch-stream.ts';
import { timersTargets } from './patch-timers.ts';
import { zlibTargets } from './patch-zlib.ts';

/** What each part consists of: lists that are made one after the other, since the second may hang on the first. */
const parts: Record<PatchName, readonly (() => Target[])[]> = {
  fs: [fsTargets, nestedFsTargets],
  net: [netTargets],
  tls: [tlsTargets],
  dgram: [dgramTargets],
  timers: [timersTargets],
  dns: [dnsTargets],
  childProcess: [childProcessTargets],
  http: [httpTargets],
  zlib: [zlibTargets],
  crypto: [cryptoTargets],
  stream: [streamTargets],
  readline: [readlineTargets],
  promise: [promiseTargets],
};

/** @internal */
export const patchNames: readonly PatchName[] = Object.keys(parts) as PatchName[];

const done = new Map<PatchName, Installed[]>();

/** Everything that this copy has patched. @internal */
export function allInstalled(): Installed[] {
  return [...done.values()].flat();
}

/** @internal */
export function patchParts(names: readonly PatchName[]): boolean {
  try {
    return names.map(patchPart).every(Boolean);
  } finally {
    syncBuiltinESMExports();
  }
}

/** Tells whether it is patched now. */
function patchPart(name: PatchName): boolean {
  if (done.has(name)) return true;
  const event = new PatchEvent([name]);
  if (!allows('willPatch', event)) return false;
  const installed: Installed[] = [];
  done.set(name, installed);
  for (const targets of parts[name]) {
    for (const target of targets()) {
      const one = install(target, copy);
      if (one !== undefined) installed.push(one);
    }
  }
  patchEvents.emit('didPatch', event);
  return true;
}

/** @internal */
export function allows(name: keyof PatchEventMap, event: PatchEvent): boolean {
  patchEvents.emit(name, event);
  return !event.cancelled;
}

/** @internal */
export function unpatchParts(): void {
  const installed = allInstalled().reverse();
  done.clear();
  for (const one of installed) uninstall(one);
  syncBuiltinESMExports();
}

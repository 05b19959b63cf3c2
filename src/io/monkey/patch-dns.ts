/** `node:dns`: all its queries, and those of `Resolver`. */
import { dual, type Peculiarity } from './dual.ts';
import type { Target } from './install.ts';
import { builtin, plainFunction } from './modules.ts';

/** @internal */
export function dnsTargets(): Target[] {
  const dns = builtin('dns');
  const { prototype } = dns.Resolver;
  return [
    ...queries(dns).map((name) => dual('dns', '', dns, name)),
    ...queries(prototype).map((name) => dual('dns', 'Resolver.prototype.', prototype, name, { prepare, pass })),
  ];
}

function queries(holder: object): string[] {
  const isQuery = (name: string) => /^(lookup|resolve|reverse)/.test(name) && plainFunction(holder, name);
  return Object.keys(holder).filter(isQuery);
}

/** Queries on their way by resolver, but for those with a callback. */
const pending = new WeakMap<object, number>();
/** Resolvers that were used with a callback. */
const mixed = new WeakSet<object>();

function pass(resolver: unknown): void {
  if (typeof resolver === 'object' && resolver !== null) mixed.add(resolver);
}

/** A resolver can only cancel all its queries, so it must have no other. */
function prepare(_args: unknown[], resolver: { cancel(): void }): Peculiarity {
  count(resolver, 1);
  return {
    cancel: () => {
      if (pending.get(resolver) === 1 && !mixed.has(resolver)) resolver.cancel();
    },
    over: () => count(resolver, -1),
  };
}

function count(resolver: object, change: number): void {
  pending.set(resolver, (pending.get(resolver) ?? 0) + change);
}

/**
 * `AsyncLocalStorage` contexts: each greenlet, and each hub callback, runs in that of its making.
 *
 * The context is kept by one `AsyncResource` a greenlet and entered at each turn, which costs some 30 ns a switch; a
 * `snapshot()` would cost microseconds. Programs that use no storage pay one comparison: nothing is captured until a
 * storage is first used. Node has no event for that, so `run` and `enterWith` are wrapped until it happens; a storage
 * that was used before genlet was loaded is noticed by `detectContext`, when ordinary code spawns.
 */
import { AsyncLocalStorage, AsyncResource } from 'node:async_hooks';

/** Whether some storage is, or was, in use. @internal */
export const contexts: { used: boolean; onUse: () => void; onEnter: () => void } = {
  used: false,
  onUse() {},
  onEnter() {},
};

/** The empty context, for greenlets from before the first use of a storage. @internal */
export const rootContext: AsyncResource = new AsyncResource('genlet');

/** The current context, or `undefined` while no storage is in use. @internal */
export function captureContext(): AsyncResource | undefined {
  return contexts.used ? new AsyncResource('genlet') : undefined;
}

/** Looks whether a new resource carries a store; called when ordinary code spawns, before the first use was seen. @internal */
export function detectContext(): void {
  const resource = new AsyncResource('genlet') as unknown as Record<symbol, unknown>;
  const carriesStore = Object.getOwnPropertySymbols(resource).some(
    (key) => /kResourceStore|context_frame/.test(key.description ?? '') && resource[key] !== undefined,
  );
  if (carriesStore) noteUse();
}

function noteUse(): void {
  contexts.used = true;
  contexts.onUse();
}

const storagePrototype = AsyncLocalStorage.prototype;
const original = { run: storagePrototype.run, enterWith: storagePrototype.enterWith };

const noting = {
  run(this: AsyncLocalStorage<unknown>, ...args: unknown[]): unknown {
    noteUse();
    if (storagePrototype.run === noting.run) storagePrototype.run = original.run;
    return Reflect.apply(original.run, this, args);
  },

  /** Stays for good: what is entered inside a greenlet must become part of that greenlet's context. */
  enterWith(this: AsyncLocalStorage<unknown>, store: unknown): void {
    noteUse();
    Reflect.apply(original.enterWith, this, [store]);
    contexts.onEnter();
  },
};

Object.assign(storagePrototype, noting);

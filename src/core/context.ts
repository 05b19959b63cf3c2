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
export const contexts: { used: boolean; onRecapture: (() => void) | undefined } = {
  used: false,
  onRecapture: undefined,
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
  contexts.used = Object.getOwnPropertySymbols(resource).some(
    (key) => /kResourceStore|context_frame/.test(key.description ?? '') && resource[key] !== undefined,
  );
}

const storagePrototype = AsyncLocalStorage.prototype;
const { run, enterWith } = storagePrototype;

function runAndNote(this: AsyncLocalStorage<unknown>, ...args: Parameters<typeof run>): unknown {
  contexts.used = true;
  if (storagePrototype.run === runAndNote) storagePrototype.run = run;
  return Reflect.apply(run, this, args);
}

/** Stays for good: what is entered inside a greenlet must become part of that greenlet's context. */
function enterAndNote(this: AsyncLocalStorage<unknown>, store: unknown): void {
  contexts.used = true;
  Reflect.apply(enterWith, this, [store]);
  contexts.onRecapture?.();
}

storagePrototype.run = runAndNote as typeof run;
storagePrototype.enterWith = enterAndNote;

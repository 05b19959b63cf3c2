/**
 * Preloaded after the patch: each call of what is patched counts as made inside a greenlet. There is none, so what such a call
 * gives can be looked at, but nobody can wait for it.
 */
const { patches } = globalThis[Symbol.for('genlet.monkey')];
for (const { parts } of patches) for (const part of parts) part.hub = { current: 'a greenlet' };

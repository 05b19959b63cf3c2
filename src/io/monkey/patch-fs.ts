/** `node:fs`: the functions with a `…Sync` twin. */
import { beginUse, endUse } from '../descriptor-use.ts';
import { KillSignal, withSignal } from '../fs-call.ts';
import { callbackFunctions, closeAfterUse, describeFunction } from '../fs-functions.ts';
import { type DualRule, dual, type Peculiarity } from './dual.ts';
import type { Target } from './install.ts';
import { builtin } from './modules.ts';

/** @internal */
export function fsTargets(): Target[] {
  const fs = builtin('fs');
  return callbackFunctions(fs).map((name) => dual('fs', '', fs, name, ruleOf(name)));
}

/** What hangs on a patched function. @internal */
export function nestedFsTargets(): Target[] {
  return [dual('fs', 'realpath.', builtin('fs').realpath, 'native', { prepare })];
}

function ruleOf(name: string): DualRule {
  if (name === 'exists') return { plain: true };
  if (name === 'close')
    return { call: (original, self, args) => closeAfterUse(original.bind(self), ...(args as [any, any])) };
  const { signalAt, release } = describeFunction(name);
  return { release, prepare: signalAt === undefined ? prepare : (args) => prepareStoppable(args, signalAt) };
}

function prepareStoppable(args: unknown[], signalAt: number): Peculiarity {
  const signal = new KillSignal();
  const { cancel, over } = prepare(args);
  return {
    args: withSignal(args, signalAt, signal),
    cancel: () => {
      signal.abort();
      cancel();
    },
    over,
  };
}

/** A descriptor must stay open while Node's threads still use it. */
function prepare([fd]: unknown[]): { cancel: () => void; over: () => void } {
  let used = false;
  return {
    cancel: () => {
      if (typeof fd !== 'number') return;
      used = true;
      beginUse(fd);
    },
    over: () => {
      if (used) endUse(fd as number);
    },
  };
}

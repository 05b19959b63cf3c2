/** `node:child_process`: `yield* child` gives how it ended, or what it wrote if it was made by `exec` or `execFile`. */
import type { ChildProcess } from 'node:child_process';
import { getSystemErrorName } from 'node:util';
import type { Operation } from '../../core/operation.ts';
import type { Target } from './install.ts';
import { iterable } from './iterable.ts';
import { builtin } from './modules.ts';
import type { AnyFunction, Part } from './shared.ts';
import { Started } from './started.ts';
import type { ProcessEnd } from './types/child-process.ts';
import { already, failed, Watches, watch } from './watch-object.ts';
import { LAST } from './wrapper.ts';

/** @internal */
export function childProcessTargets(): Target[] {
  const module = builtin('child_process');
  return [
    executor(module, 'exec'),
    executor(module, 'execFile'),
    iterable('child_process', 'ChildProcess.prototype', module.ChildProcess.prototype, outcomeOf),
  ];
}

const outcomes = new Watches<ChildProcess, unknown>(watchExit, true);

function outcomeOf(child: ChildProcess): Operation<unknown> {
  const { exitCode, signalCode, pid } = child;
  if (!outcomes.has(child) && hasEnded(child)) {
    return pid === undefined ? failed(spawnError(child)) : already({ code: exitCode, signal: signalCode });
  }
  return outcomes.of(child);
}

/** Its end comes after that of its output. */
function hasEnded({ exitCode, signalCode, stdio }: ChildProcess): boolean {
  return (exitCode !== null || signalCode !== null) && stdio.every((stream) => !stream || stream.destroyed);
}

function watchExit(child: ChildProcess): Started<ProcessEnd> {
  return watch<ProcessEnd>(child, {
    name: nameOf(child),
    events: (land) => ({
      error: (error: unknown) => land(error),
      close: (code: number | null, signal: NodeJS.Signals | null) => land(undefined, { code, signal }),
    }),
    cancel: () => void child.kill(),
  });
}

const nameOf = ({ spawnfile, pid }: ChildProcess): string => `ChildProcess ${spawnfile} (${pid ?? 'not begun'})`;

/** As the one that was emitted when nobody waited. */
function spawnError({ exitCode, spawnfile, spawnargs }: ChildProcess): Error {
  const [code, syscall] = [getSystemErrorName(exitCode!), `spawn ${spawnfile}`];
  const properties = { errno: exitCode, code, syscall, path: spawnfile, spawnargs: spawnargs.slice(1) };
  return Object.assign(new Error(`${syscall} ${code}`), properties);
}

/** `exec` keeps giving the child; that learns what `util.promisify(exec)` gives. */
function executor(holder: object, name: string): Target {
  const act = (original: AnyFunction | undefined): Part['act'] => {
    return (self, args) => {
      const all = [...args];
      while (all.length > 0 && (all.at(-1) === undefined || all.at(-1) === null)) all.pop();
      const started: Started<unknown> = new Started<unknown>({
        name: `child_process.${name}`,
        subject: args[0],
        cancel: () => void child.kill(),
        unheard: () => true, // as ever, if nobody asks
      });
      const settle = (error: object | null, stdout: unknown, stderr: unknown) => {
        if (error === null) started.land(undefined, { stdout, stderr });
        else started.land(Object.assign(error, { stdout, stderr }));
      };
      const child: ChildProcess = Reflect.apply(original!, self, [...all, settle]);
      outcomes.set(child, started.depart());
      return child;
    };
  };
  return { module: 'child_process', name, holder, key: name, kind: 'function', at: LAST, act };
}

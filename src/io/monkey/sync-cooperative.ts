/** What the calls that the loader of `genlet/monkey/sync` rewrote do: suspend the greenlet where the function is known. */
import childProcess from 'node:child_process';
import crypto from 'node:crypto';
import fs from 'node:fs';
import zlib from 'node:zlib';
import { hub } from '../../core/hub.ts';
import type { Operation } from '../../core/operation.ts';
import { fromCallback } from '../../core/suspend.ts';
import { until } from '../../core/until.ts';
import { functions } from '../fs-functions.ts';
import { argumentNames, resultOf } from './callback-values.ts';
import { type AnyFunction, shared } from './shared.ts';
import { execFile, execShell, spawnAndCollect } from './sync-processes.ts';

type Cooperative = (this: unknown, ...args: any[]) => Operation<unknown>;

/** By the value of the blocking function, whatever it is called where it is used, and whether it is patched or not. */
const forms = new Map<unknown, Cooperative>();

function define(blocking: unknown, form: Cooperative): void {
  forms.set(unpatched(blocking), form);
}

function unpatched(fn: unknown): unknown {
  return typeof fn === 'function' ? (shared.known.get(fn as AnyFunction)?.original ?? fn) : fn;
}

for (const [name, operation] of Object.entries(functions)) {
  define((fs as unknown as Record<string, unknown>)[`${name}Sync`], operation as Cooperative);
}
define(fs.realpathSync.native, functions.realpath.native as Cooperative);
define(fs.readSync, (...args) => pick('bytesRead', functions.read(...(args as [never]))));
define(fs.writeSync, (...args) => pick('bytesWritten', functions.write(...(args as [never, never]))));
define(fs.readvSync, (...args) => pick('bytesRead', functions.readv(...(args as [never, never]))));
define(fs.writevSync, (...args) => pick('bytesWritten', functions.writev(...(args as [never, never]))));
for (const module of [zlib, crypto] as unknown as Record<string, AnyFunction>[]) {
  for (const [name, blocking] of Object.entries(module)) {
    const plain = name.endsWith('Sync') ? module[name.slice(0, -4)] : undefined;
    if (typeof plain === 'function') define(blocking, (...args) => calledBack(plain, args));
  }
}
define(childProcess.execFileSync, execFile as Cooperative);
define(childProcess.execSync, execShell as Cooperative);
define(childProcess.spawnSync, spawnAndCollect as Cooperative);
define(Atomics.wait, waitForChange as Cooperative);

function* pick<K extends string>(field: K, operation: Operation<Record<K, unknown>>) {
  return (yield* operation)[field];
}

function calledBack(fn: AnyFunction, args: unknown[]): Operation<unknown> {
  const names = argumentNames(fn);
  return fromCallback((done) => {
    fn(...args, (error: unknown, ...values: unknown[]) => done(error, resultOf(values, names)));
  });
}

function* waitForChange(array: Int32Array<SharedArrayBuffer>, index: number, value: number, timeout?: number) {
  const { waitAsync } = Atomics as unknown as {
    waitAsync: (...args: unknown[]) => { value: string | Promise<string> };
  };
  const outcome = waitAsync(array, index, value, timeout).value;
  if (typeof outcome === 'string') return outcome;
  const hold = setInterval(() => {}, 2 ** 30); // the wait itself does not keep the process alive
  try {
    return yield* until(outcome);
  } finally {
    clearInterval(hold);
  }
}

/** An operation that has its result already, and may be performed by plain iterators too. */
class Finished implements Operation<unknown>, Iterator<never, unknown> {
  readonly #value: unknown;

  constructor(value: unknown) {
    this.#value = value;
  }

  [Symbol.iterator](): this {
    return this;
  }

  next(): IteratorReturnResult<unknown> {
    return { done: true, value: this.#value };
  }
}

/** The function to call instead of `object[name]`, or of `object` itself: what it returns is for `yield*`. @internal */
export function cooperative(object: any, name?: string): Cooperative {
  const called = (name === undefined ? object : object[name]) as AnyFunction;
  const form = hub.current === undefined ? undefined : forms.get(unpatched(called));
  const self = name === undefined ? undefined : object;
  return form ?? ((...args) => new Finished(Reflect.apply(called, self, args)));
}

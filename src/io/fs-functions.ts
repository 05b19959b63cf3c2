/**
 * The functions of `node:fs` that take a callback, as operations.
 *
 * They are made from what `node:fs` has when genlet is loaded: a function with a `…Sync` twin is one that takes a
 * callback. What it does is looked up at each call, so that whoever has replaced a function of `node:fs` is obeyed.
 */
import native, { type Dir, type PathLike } from 'node:fs';
import { hub } from '../core/hub.ts';
import type { Callback } from './callback-call.ts';
import { afterUse } from './descriptor-use.ts';
import { asOperation, type FsFunction } from './fs-call.ts';
import type { OtherFunctions, PlainFunctions } from './fs-types.ts';

type Functions = Record<string, (...args: any[]) => any>;

const originals = native as unknown as Functions;

/** Has a `…Sync` twin in newer versions of Node, but gives a promise. */
const PROMISES = ['openAsBlob'];

const FIELDS: Record<string, readonly [string, string]> = {
  read: ['bytesRead', 'buffer'],
  readv: ['bytesRead', 'buffers'],
  write: ['bytesWritten', 'buffer'],
  writev: ['bytesWritten', 'buffers'],
};

const SIGNAL_AT: Record<string, number> = { readFile: 1, writeFile: 2, appendFile: 2 };

const ignore = (): void => {};

const RELEASE: Record<string, (late: any) => void> = {
  open: (fd: number) => native.close(fd, ignore),
  opendir: (dir: Dir) => dir.close(ignore),
  mkdtemp: (path: PathLike) => native.rmdir(path, ignore),
};

const HARMLESS = /^(access|exists|[fl]?stat|statfs|readFile|readdir|readlink|realpath|opendir)$/;

/** Its callback gets no error. */
function exists(path: PathLike, callback: Callback): void {
  originals.exists!(path, (answer: boolean) => callback(null, answer));
}

/** Closes a file; later, if a killed call still uses it. @internal */
export function closeAfterUse(close: (fd: number, callback: Callback) => void, fd: number, callback: Callback): void {
  const report: Callback = (error) => {
    if (error) hub.handleError(error, undefined, `fs.close(${fd})`);
  };
  if (afterUse(fd, () => close(fd, report))) callback(null);
  else close(fd, callback);
}

const close = (fd: number, callback: Callback) => closeAfterUse(native.close, fd, callback);

const PECULIAR: Record<string, (...args: any[]) => void> = { close, exists };

/** How a function is called that has a `…Sync` twin. @internal */
export function describeFunction(name: string): FsFunction {
  return {
    name,
    call: PECULIAR[name] ?? ((...args) => originals[name]!(...args)),
    fields: FIELDS[name],
    signalAt: SIGNAL_AT[name],
    release: RELEASE[name],
    harmless: HARMLESS.test(name),
  };
}

/** The functions of `fs` that have a `…Sync` twin and take a callback. @internal */
export function callbackFunctions(fs: object): string[] {
  const value = (name: string): unknown => Object.getOwnPropertyDescriptor(fs, name)?.value;
  return Object.keys(fs).filter((name) => {
    const hasTwin = typeof value(name) === 'function' && typeof value(`${name}Sync`) === 'function';
    return hasTwin && !PROMISES.includes(name);
  });
}

function build(): Functions {
  const operations: Functions = {};
  for (const name of callbackFunctions(originals)) operations[name] = asOperation(describeFunction(name));
  const call = (...args: any[]) => native.realpath.native(...(args as [never, never]));
  const asked = asOperation({ name: 'realpath.native', call, harmless: true });
  Object.assign(operations.realpath!, { native: asked });
  return operations;
}

/** @internal */
export const functions: PlainFunctions & OtherFunctions = build() as never;

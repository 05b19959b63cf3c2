/**
 * The key by which the processes of a program know each other: random, made by its first process, and handed on to the
 * others over the links that they have anyway. It never stands on a command line or in the environment of a process.
 */
import { randomBytes } from 'node:crypto';
import { getEnvironmentData, setEnvironmentData } from 'node:worker_threads';
import { show } from '../../core/check.ts';

/** Data that Node hands to the threads that this one starts; it has nothing to do with environment variables. */
const NAME = 'genlet.authkey';

let key: Buffer = inherited() ?? randomBytes(32);
setEnvironmentData(NAME, key);

function inherited(): Buffer | undefined {
  const data: unknown = getEnvironmentData(NAME);
  return data instanceof Uint8Array ? Buffer.from(data) : undefined;
}

/** The key of this program. @internal */
export function processAuthkey(): Buffer {
  return key;
}

/** This process was started by one that has this key. @internal */
export function adoptAuthkey(given: Uint8Array): void {
  key = Buffer.from(given);
  setEnvironmentData(NAME, key);
}

/** The key that was given, or that of the program. @internal */
export function checkAuthkey(authkey: string | Uint8Array | undefined): Buffer {
  if (authkey === undefined) return processAuthkey();
  const isText = typeof authkey === 'string';
  if ((!isText && !(authkey instanceof Uint8Array)) || authkey.length === 0) {
    throw new TypeError(`authkey is ${isText ? "''" : show(authkey)}: give a string or bytes, at least one`);
  }
  return Buffer.from(isText ? Buffer.from(authkey) : authkey);
}

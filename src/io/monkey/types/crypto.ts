/**
 * `generateKeyPair`, whose overloads are others in each version of Node's types; and `argon2`, which came with Node 24.7:
 * with older types it takes no argument that could be given.
 */
import type { KeyObject } from 'node:crypto';
import type { Started } from '../started.ts';
import type { NotInThisNode } from './not-in-this-node.ts';

type Crypto = typeof import('node:crypto');
type Argon2 = Crypto extends { argon2Sync(algorithm: infer A, parameters: infer P): unknown }
  ? { algorithm: A; parameters: P }
  : { algorithm: NotInThisNode; parameters: NotInThisNode };
type Bytes = ReturnType<typeof Buffer.alloc>;

/** Named parameters of each type of key, those that must be given first. */
interface KeyParameters {
  rsa: { modulusLength: number; publicExponent?: number | undefined };
  'rsa-pss': {
    modulusLength: number;
    publicExponent?: number | undefined;
    hashAlgorithm?: string | undefined;
    mgf1HashAlgorithm?: string | undefined;
    saltLength?: string | number | undefined;
  };
  dsa: { modulusLength: number; divisorLength?: number | undefined };
  ec: { namedCurve: string; paramEncoding?: 'explicit' | 'named' | undefined };
  dh: {
    prime?: NodeJS.ArrayBufferView | undefined;
    primeLength?: number | undefined;
    generator?: number | undefined;
    groupName?: string | undefined;
  };
}
interface KeyEncoding {
  type?: 'pkcs1' | 'spki' | 'pkcs8' | 'sec1' | undefined;
  format: 'pem' | 'der' | 'jwk';
  cipher?: string | undefined;
  passphrase?: string | NodeJS.ArrayBufferView | undefined;
}
interface KeyEncodings {
  publicKeyEncoding?: KeyEncoding | undefined;
  privateKeyEncoding?: KeyEncoding | undefined;
}
interface NoEncodings {
  publicKeyEncoding?: undefined;
  privateKeyEncoding?: undefined;
}
type PlainKey = 'ed25519' | 'ed448' | 'x25519' | 'x448' | `ml-${string}` | `slh-dsa-${string}`;

/** A key as its encoding makes it; without one, a `KeyObject`. */
type Key<O, K extends keyof KeyEncodings> = O extends { readonly [P in K]: { readonly format: infer F } }
  ? F extends 'pem'
    ? string
    : F extends 'der'
      ? Bytes
      : JsonWebKey
  : KeyObject;
type JsonWebKey = ReturnType<KeyObject['export']> extends infer R ? Exclude<R, string | NodeJS.ArrayBufferView> : never;
type KeyPair<O> = { publicKey: Key<O, 'publicKeyEncoding'>; privateKey: Key<O, 'privateKeyEncoding'> };

declare module 'node:crypto' {
  export function generateKeyPair<K extends keyof KeyParameters, const O extends KeyParameters[K] & KeyEncodings>(
    type: K,
    options: O,
  ): Started<KeyPair<O>>;
  export function generateKeyPair<const O extends KeyEncodings = object>(
    type: PlainKey,
    options?: O,
  ): Started<KeyPair<O>>;
  export function generateKeyPair(
    type: 'x448',
    options: NoEncodings | undefined,
    callback: (err: Error | null, publicKey: KeyObject, privateKey: KeyObject) => void,
  ): void;

  export function argon2(algorithm: Argon2['algorithm'], parameters: Argon2['parameters']): Started<Bytes>;
  export function argon2(
    algorithm: Argon2['algorithm'],
    parameters: Argon2['parameters'],
    callback: (err: Error | null, derivedKey: Bytes) => void,
  ): void;
}

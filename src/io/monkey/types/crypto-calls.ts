/** `node:crypto` without callbacks. Written by scripts/monkey-types.ts: `npm run monkey-types`. */
// biome-ignore-all format: generated
import type { NonSharedBuffer } from 'node:buffer';
import type { BinaryLike, CheckPrimeOptions, GeneratePrimeOptions, GeneratePrimeOptionsArrayBuffer, GeneratePrimeOptionsBigInt, KeyObject, LargeNumberLike, ScryptOptions } from 'node:crypto';
import type { Started } from '../started.ts';

declare module 'node:crypto' {
  export function generateKey(type: 'hmac' | 'aes', options: { length: number }): Started<KeyObject>;
  export function generateKey(type: 'hmac' | 'aes', options: { length: number }, callback: (err: Error | null, key: KeyObject) => void): void;
  export function pbkdf2(password: BinaryLike, salt: BinaryLike, iterations: number, keylen: number, digest: string): Started<NonSharedBuffer>;
  export function pbkdf2(password: BinaryLike, salt: BinaryLike, iterations: number, keylen: number, digest: string, callback: (err: Error | null, derivedKey: NonSharedBuffer) => void): void;
  export function randomFill<T extends NodeJS.ArrayBufferView>(buffer: T): Started<T>;
  export function randomFill<T extends NodeJS.ArrayBufferView>(buffer: T, offset: number): Started<T>;
  export function randomFill<T extends NodeJS.ArrayBufferView>(buffer: T, offset: number, size: number): Started<T>;
  export function randomFill<T extends NodeJS.ArrayBufferView>(buffer: T, callback: (err: Error | null, buf: T) => void): void;
  export function randomFill<T extends NodeJS.ArrayBufferView>(buffer: T, offset: number, callback: (err: Error | null, buf: T) => void): void;
  export function randomFill<T extends NodeJS.ArrayBufferView>(buffer: T, offset: number, size: number, callback: (err: Error | null, buf: T) => void): void;
  export function scrypt(password: BinaryLike, salt: BinaryLike, keylen: number, callback: (err: Error | null, derivedKey: NonSharedBuffer) => void): void;
  export function scrypt(password: BinaryLike, salt: BinaryLike, keylen: number): Started<NonSharedBuffer>;
  export function scrypt(password: BinaryLike, salt: BinaryLike, keylen: number, options: ScryptOptions): Started<NonSharedBuffer>;
  export function scrypt(password: BinaryLike, salt: BinaryLike, keylen: number, callback: (err: Error | null, derivedKey: NonSharedBuffer) => void): void;
  export function scrypt(password: BinaryLike, salt: BinaryLike, keylen: number, options: ScryptOptions, callback: (err: Error | null, derivedKey: NonSharedBuffer) => void): void;
  export function hkdf(digest: string, irm: BinaryLike | KeyObject, salt: BinaryLike, info: BinaryLike, keylen: number): Started<ArrayBuffer>;
  export function hkdf(digest: string, irm: BinaryLike | KeyObject, salt: BinaryLike, info: BinaryLike, keylen: number, callback: (err: Error | null, derivedKey: ArrayBuffer) => void): void;
  export function generatePrime(size: number, callback: (err: Error | null, prime: ArrayBuffer) => void): void;
  export function generatePrime(size: number): Started<ArrayBuffer>;
  export function generatePrime(size: number, options: GeneratePrimeOptionsBigInt): Started<bigint>;
  export function generatePrime(size: number, options: GeneratePrimeOptionsArrayBuffer): Started<ArrayBuffer>;
  export function generatePrime(size: number, options: GeneratePrimeOptions): Started<ArrayBuffer | bigint>;
  export function generatePrime(size: number, callback: (err: Error | null, prime: ArrayBuffer) => void): void;
  export function generatePrime(size: number, options: GeneratePrimeOptionsBigInt, callback: (err: Error | null, prime: bigint) => void): void;
  export function generatePrime(size: number, options: GeneratePrimeOptionsArrayBuffer, callback: (err: Error | null, prime: ArrayBuffer) => void): void;
  export function generatePrime(size: number, options: GeneratePrimeOptions, callback: (err: Error | null, prime: ArrayBuffer | bigint) => void): void;
  export function checkPrime(value: LargeNumberLike, callback: (err: Error | null, result: boolean) => void): void;
  export function checkPrime(value: LargeNumberLike): Started<boolean>;
  export function checkPrime(value: LargeNumberLike, options: CheckPrimeOptions): Started<boolean>;
  export function checkPrime(value: LargeNumberLike, callback: (err: Error | null, result: boolean) => void): void;
  export function checkPrime(value: LargeNumberLike, options: CheckPrimeOptions, callback: (err: Error | null, result: boolean) => void): void;
}

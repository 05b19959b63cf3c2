import crypto from 'node:crypto';
import { run, spawnNow } from 'genlet';
import { patchCrypto, unpatchAll } from 'genlet/monkey';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { namesWithTwins } from '../../../src/io/monkey/modules.ts';
import { watchHub } from '../../support/hub.ts';
import { watchResources } from '../support.ts';

watchHub();
watchResources();

beforeAll(() => patchCrypto());
afterAll(unpatchAll);

const argon = { message: 'password', nonce: Buffer.alloc(16), parallelism: 1, tagLength: 16, memory: 8, passes: 1 };

/** The arguments of each function without its callback, and how the result is compared with that of the twin. */
const calls: Record<string, [args: unknown[], view?: (result: any) => unknown]> = {
  argon2: [['argon2id', argon]],
  checkPrime: [[7n]],
  generateKey: [['hmac', { length: 64 }], (key) => [key.type, key.symmetricKeySize]],
  generateKeyPair: [['ed25519', {}], ({ publicKey, privateKey }) => [publicKey.type, privateKey.type]],
  generatePrime: [[32, { bigint: true }], (prime) => typeof prime],
  hkdf: [['sha256', 'key', 'salt', 'info', 20]],
  pbkdf2: [['password', 'salt', 10, 20, 'sha256']],
  randomFill: [[Buffer.alloc(8)], (bytes) => bytes.length],
  scrypt: [['password', 'salt', 20, { N: 1024 }]],
};

it.each(namesWithTwins(crypto))('%s is called without its callback', async (name) => {
  const [args, view = (result: unknown) => result] = calls[name]!;
  const functions = crypto as any;
  await run(function* () {
    expect(view(yield* functions[name](...args))).toEqual(view(functions[`${name}Sync`](...args)));
  });
});

it('what works without a callback today goes on to do so', async () => {
  await run(() => {
    expect(crypto.randomBytes(5)).toHaveLength(5);
    expect(crypto.randomInt(1)).toBe(0);
    expect(crypto.createHash('sha256').update('x').digest()).toHaveLength(32);
  });
});

it('arguments are refused at the call, and callbacks are called', async () => {
  await run(function* () {
    expect(() => crypto.pbkdf2('p', 's', -1, 20, 'sha1')).toThrow(
      expect.objectContaining({ code: 'ERR_OUT_OF_RANGE' }),
    );
    const key = yield* spawnNow(
      () => new Promise((resolve) => crypto.pbkdf2('p', 's', 1, 20, 'sha1', (_, key) => resolve(key))),
    );
    expect(key).toEqual(crypto.pbkdf2Sync('p', 's', 1, 20, 'sha1'));
  });
  const { pbkdf2 } = crypto as any;
  expect(() => pbkdf2('p', 's', 1, 20, 'sha1')).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' }));
});

it('a kill drops the result', async () => {
  await run(function* () {
    const waiter = spawnNow(() => crypto.pbkdf2('p', 's', 10_000, 20, 'sha1'));
    yield* waiter.kill();
    expect(waiter.successful()).toBe(true);
  });
});

import { lookup } from 'node:dns';
import fs, { readFileSync, stat } from 'node:fs';
import { promisify } from 'node:util';
import { afterEach, expect, vi } from 'vitest';
import { it } from './it.mjs';

const { answer } = vi.hoisted(() => ({ answer: { address: '10.1.2.3', family: 4 } }));

vi.mock('node:dns', async (original) => ({
  ...(await original()),
  lookup: vi.fn((_name, options, done = options) => done(null, answer.address, answer.family)),
}));

afterEach(() => vi.restoreAllMocks());

it('mocks a module of Node', async () => {
  const { address } = await new Promise((resolve) => {
    lookup('example.com', (_error, address) => resolve({ address }));
  });
  expect(address).toBe('10.1.2.3');
  expect(lookup).toHaveBeenCalledWith('example.com', expect.any(Function));
  const { lookup: actual } = await vi.importActual('node:dns');
  expect(vi.isMockFunction(actual)).toBe(false);
});
it('spies on a function of Node', async () => {
  const spy = vi.spyOn(fs, 'stat').mockImplementation((_path, done) => done(null, 'mocked'));
  expect(await promisify(fs.stat)('/')).toBe('mocked');
  fs.stat('/', (_error, stats) => expect(stats).toBe('mocked'));
  expect(spy).toHaveBeenCalledTimes(2);
  spy.mockRestore();
  expect(vi.isMockFunction(fs.stat)).toBe(false);
  const stats = await new Promise((resolve) => stat('/', (_error, stats) => resolve(stats)));
  expect(stats.isDirectory()).toBe(true);
});
it('spies through', () => {
  const spy = vi.spyOn(fs, 'readFileSync');
  expect(fs.readFileSync(import.meta.filename, 'utf8')).toContain('spies through');
  expect(spy.mock.results[0].type).toBe('return');
  expect(typeof readFileSync).toBe('function');
});
it('stubs globals', async () => {
  vi.stubGlobal('fetch', async () => new Response('stub'));
  expect(await (await fetch('http://nowhere.test')).text()).toBe('stub');
  vi.unstubAllGlobals();
  expect(fetch.name).toBe('fetch');
});
it('counts calls', () => {
  const fn = vi.fn((x) => x * 2).mockReturnValueOnce(0);
  expect([fn(1), fn(2)]).toEqual([0, 4]);
  expect(fn.mock.calls).toEqual([[1], [2]]);
});

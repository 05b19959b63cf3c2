import childProcess from 'node:child_process';
import dns from 'node:dns';
import * as fsNames from 'node:fs';
import fs, { readFile } from 'node:fs';
import { createRequire } from 'node:module';
import net from 'node:net';
import stream from 'node:stream';
import timers from 'node:timers';
import util from 'node:util';
import zlib from 'node:zlib';
import { run } from 'genlet';
import {
  formatReport,
  getOriginal,
  isPatched,
  type PatchEvent,
  patchAll,
  patchEvents,
  patchFs,
  patchStream,
  patchTimers,
  report,
  unpatchAll,
} from 'genlet/monkey';
import { afterEach, describe, expect, it } from 'vitest';
import { watchHub } from '../../support/hub.ts';

watchHub();

afterEach(() => {
  unpatchAll();
  patchEvents.removeAllListeners();
});

/** Everything that a patch could have changed, with the identity of each function. */
function snapshot(): Map<string, PropertyDescriptor | undefined> {
  const holders: Record<string, object> = {
    fs,
    'fs.realpath': fs.realpath,
    dns,
    'dns.Resolver': dns.Resolver.prototype,
    zlib,
    timers,
    globalThis,
    childProcess,
    ChildProcess: childProcess.ChildProcess.prototype,
    Server: net.Server.prototype,
    Socket: net.Socket.prototype,
    stream,
    Stream: stream.prototype,
    Promise: Promise.prototype,
  };
  const properties = new Map<string, PropertyDescriptor | undefined>();
  for (const [name, holder] of Object.entries(holders)) {
    for (const key of Reflect.ownKeys(holder)) {
      properties.set(`${name}.${String(key)}`, Object.getOwnPropertyDescriptor(holder, key));
    }
  }
  return properties;
}

describe('patchAll and unpatchAll', () => {
  it('restore the very same functions and descriptors', () => {
    snapshot(); // to look at it makes Node define some globals
    const before = snapshot();
    patchAll();
    expect([...snapshot().keys()]).not.toEqual([...before.keys()]);
    expect(fs.readFile).not.toBe(before.get('fs.readFile')!.value);
    unpatchAll();
    const after = snapshot();
    expect([...after.keys()]).toEqual([...before.keys()]);
    for (const [name, descriptor] of before) {
      const { value, get, set, ...flags } = after.get(name)!;
      expect(flags, name).toEqual({
        enumerable: descriptor!.enumerable,
        configurable: descriptor!.configurable,
        ...('writable' in descriptor! ? { writable: descriptor!.writable } : {}),
      });
      expect(
        [value, get, set].every((part, i) => Object.is(part, [descriptor!.value, descriptor!.get, descriptor!.set][i])),
      ).toBe(true);
    }
  });

  it('are seen by default, named and namespace imports and by require', () => {
    const required = createRequire(import.meta.url)('fs');
    const original = fs.readFile;
    patchAll();
    expect(new Set([fs.readFile, readFile, fsNames.readFile, required.readFile]).size).toBe(1);
    expect(readFile).not.toBe(original);
    unpatchAll();
    expect([fs.readFile, readFile, fsNames.readFile, required.readFile]).toEqual(new Array(4).fill(original));
  });

  it('do once what they are told twice', () => {
    const original = fs.readFile;
    patchAll();
    const patched = fs.readFile;
    patchAll();
    patchFs();
    expect(fs.readFile).toBe(patched);
    unpatchAll();
    expect(fs.readFile).toBe(original);
    unpatchAll();
    expect(fs.readFile).toBe(original);
  });

  it('leave out what is told', () => {
    const { readFile } = fs;
    patchAll({ fs: false, promise: false });
    expect(fs.readFile).toBe(readFile);
    expect(Symbol.iterator in Promise.prototype).toBe(false);
    expect(isPatched('zlib', 'gzip')).toBe(true);
    expect(() => patchAll({ files: false } as never)).toThrow(
      "options has 'files': give some of fs, net, tls, dgram, timers, dns, childProcess, http, zlib, crypto, stream, readline, promise",
    );
  });

  it('keep name, length, prototype and own symbols', () => {
    const names = ['readFile', 'read', 'realpath', 'exists'] as const;
    const describeAll = () =>
      names.map((name) => {
        const { native, ...rest } = Object.getOwnPropertyDescriptors(fs[name]) as Record<
          PropertyKey,
          PropertyDescriptor
        >;
        return { ...rest, native: typeof native };
      });
    const before = describeAll();
    const from = Object.getOwnPropertyDescriptor(stream.Duplex, 'from')!.value;
    const keys = Reflect.ownKeys(from);
    patchAll();
    expect(describeAll()).toEqual(before);
    expect(Reflect.ownKeys(stream.Duplex.from)).toEqual(keys);
  });

  it('give the timers of both names one wrapper', () => {
    patchTimers();
    expect(timers.setTimeout).toBe(globalThis.setTimeout);
    expect(isPatched('timers', 'setTimeout') && isPatched('globalThis', 'setTimeout')).toBe(true);
  });

  it('leave util.promisify as it was', async () => {
    patchAll();
    const file = await fs.promises.open('package.json');
    try {
      const { bytesRead, buffer } = await util.promisify(fs.read)(file.fd, Buffer.alloc(1), 0, 1, 0);
      expect([bytesRead, buffer.toString()]).toEqual([1, '{']);
    } finally {
      await file.close();
    }
    expect(await util.promisify(dns.lookup)('127.0.0.1')).toEqual({ address: '127.0.0.1', family: 4 });
    expect(await util.promisify(setTimeout)(1, 'late')).toBe('late');
    expect((await util.promisify(childProcess.exec)('echo text')).stdout).toBe('text\n');
  });

  it('leave a function alone that somebody else has wrapped meanwhile', async () => {
    const original = fs.stat;
    patchFs();
    const ours = fs.stat;
    const theirs = (...args: unknown[]) => Reflect.apply(ours, fs, args);
    fs.stat = theirs as never;
    patchAll();
    expect(fs.stat).toBe(theirs);
    expect(formatReport()).toMatch(/ stat\*,/);
    await run(function* () {
      expect((yield* fs.stat('package.json')).isFile()).toBe(true);
    });
    unpatchAll();
    expect(fs.stat).toBe(theirs);
    const isFile = await new Promise((resolve) => fs.stat('package.json', (_, stats) => resolve(stats.isFile())));
    expect(isFile).toBe(true);
    await run(() => expect(() => (fs.stat as any)('package.json')).toThrow(TypeError));
    fs.stat = ours;
    patchFs(); // puts the wrapper that was left to use again
    expect(fs.stat).toBe(ours);
    unpatchAll();
    expect(fs.stat).toBe(original);
  });

  it('wrap what somebody else has put there before', async () => {
    const original = fs.access;
    fs.access = ((path: string, ...rest: unknown[]) => Reflect.apply(original, fs, [`./${path}`, ...rest])) as never;
    const theirs = fs.access;
    patchFs();
    await run(function* () {
      expect(yield* fs.access('package.json')).toBe(undefined);
    });
    unpatchAll();
    expect(fs.access).toBe(theirs);
    fs.access = original;
  });

  it('do not touch an iterator that streams were given by somebody else', () => {
    const own = { value: () => [][Symbol.iterator](), configurable: true };
    Object.defineProperty(stream.prototype, Symbol.iterator, own);
    try {
      patchStream();
      expect(Object.getOwnPropertyDescriptor(stream.prototype, Symbol.iterator)?.value).toBe(own.value);
    } finally {
      delete (stream.prototype as any)[Symbol.iterator];
    }
  });

  it('lets a property be assigned over the getter', async () => {
    patchAll();
    await run(function* () {
      const promise = Promise.resolve(1) as any;
      promise[Symbol.iterator] = () => [1, 2][Symbol.iterator]();
      expect([...promise]).toEqual([1, 2]);
      expect(Object.keys(promise)).toEqual([]);
      expect(yield* Promise.resolve(3)).toBe(3);
    });
  });
});

describe('isPatched and getOriginal', () => {
  it('tell of modules and of names in them', () => {
    const original = fs.realpath.native;
    const { resolve4 } = dns.Resolver.prototype;
    expect([isPatched('fs'), isPatched('fs', 'readFile')]).toEqual([false, false]);
    expect(getOriginal('node:fs', 'realpath.native')).toBe(original);
    patchAll();
    expect(fs.realpath.native).not.toBe(original);
    expect(getOriginal('node:fs', 'realpath.native')).toBe(original);
    expect(getOriginal('dns', 'Resolver.prototype.resolve4')).toBe(resolve4);
    expect(getOriginal('promise', 'prototype[Symbol.iterator]')).toBe(undefined);
    expect(getOriginal('globalThis', 'clearTimeout')).toBe(clearTimeout);
    const names: [string, string?][] = [
      ['fs'],
      ['node:fs', 'realpath.native'],
      ['stream', 'prototype[Symbol.iterator]'],
      ['http', 'ClientRequest.prototype[Symbol.iterator]'],
      ['tls'],
      ['fs', 'readFileSync'],
      ['path'],
    ];
    expect(names.map((name) => isPatched(...name))).toEqual([true, true, true, true, true, false, false]);
    expect(() => getOriginal('nothing', 'x')).toThrow("module is 'nothing': give one of Node, such as 'fs'");
  });
});

describe('patchEvents', () => {
  const record = (events: string[]) => {
    for (const name of ['willPatchAll', 'willPatch', 'didPatch', 'didPatchAll'] as const) {
      patchEvents.on(name, ({ modules }) => void events.push(`${name} ${modules}`));
    }
  };

  it('tell before and after, once', () => {
    const events: string[] = [];
    record(events);
    patchFs();
    patchFs();
    patchAll({ ...skipped, dns: true });
    expect(events).toEqual([
      'willPatch fs',
      'didPatch fs',
      'willPatchAll fs,dns',
      'willPatch dns',
      'didPatch dns',
      'didPatchAll fs,dns',
    ]);
  });

  it('let out what a listener throws; what was patched before that is', () => {
    patchEvents.on('willPatch', ({ modules }) => {
      if (modules.includes('net')) throw new Error('not so');
    });
    expect(() => patchAll()).toThrow('not so');
    expect([isPatched('fs'), readFile === fs.readFile, isPatched('net')]).toEqual([true, true, false]);
  });

  it('can forbid a module, and everything', () => {
    const forbid = (event: PatchEvent) => void (event.modules.includes('dns') && event.cancel());
    patchEvents.on('willPatch', forbid);
    expect(patchAll()).toBe(false);
    expect([isPatched('dns'), isPatched('fs')]).toEqual([false, true]);
    unpatchAll();
    patchEvents.on('willPatchAll', forbid);
    expect(patchAll()).toBe(false);
    expect([isPatched('dns'), isPatched('fs')]).toEqual([false, false]);
    patchEvents.removeAllListeners();
    expect(patchAll()).toBe(true);
  });
});

const skipped = {
  net: false,
  tls: false,
  dgram: false,
  timers: false,
  childProcess: false,
  http: false,
  zlib: false,
  crypto: false,
  stream: false,
  readline: false,
  promise: false,
};

describe('the report', () => {
  it('tells what is patched, by module', () => {
    const texts: string[] = [];
    report({ write: (text) => texts.push(text) });
    expect(texts).toEqual(['nothing is patched\n']);
    patchTimers();
    expect(formatReport().split('\n').slice(1)).toEqual([
      '  globalThis: setImmediate, setInterval, setTimeout',
      '  timers: setImmediate, setInterval, setTimeout',
      '',
    ]);
    expect(formatReport()).toMatch(/^patched by genlet in .*\/src\/\n/);
  });
});

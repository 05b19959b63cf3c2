import childProcess from 'node:child_process';
import crypto from 'node:crypto';
import * as fsNames from 'node:fs';
import fs, { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import zlib from 'node:zlib';
import { run } from 'genlet';
import {
  type BlockingCallReport,
  type BlockingCallWatch,
  formatReport,
  getOriginal,
  isPatched,
  patchAll,
  patchCrypto,
  patchFs,
  unpatchAll,
  watchBlockingCalls,
} from 'genlet/monkey';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { runProgram } from '../../support/child.ts';
import { watchHub } from '../../support/hub.ts';
import { type Installed, installGenlet } from './installed.ts';

const { takeReports } = watchHub();

/** For what is to take less than some milliseconds, on a machine that has other things to do. */
const inTime = { retry: 5 };

const watches: BlockingCallWatch[] = [];

afterEach(() => {
  for (const watch of watches.splice(0)) watch.stop();
  unpatchAll();
});

/** What was reported of calls that took longer than `limit`. */
function reports(limit?: number): BlockingCallReport[] {
  const list: BlockingCallReport[] = [];
  watches.push(watchBlockingCalls({ limit, report: (call) => void list.push(call) }));
  return list;
}

const names = (list: readonly BlockingCallReport[]) => list.map(({ name }) => name);

/** Blocks the thread for so long. */
function block(ms: number): string {
  return Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

const modules: Record<string, object> = { fs, child_process: childProcess, zlib, crypto };

/** All functions that block, by name. */
function blocking(): Map<string, unknown> {
  const functions = new Map<string, unknown>([
    ['Atomics.wait', Atomics.wait],
    ['fs.realpathSync.native', fs.realpathSync.native],
    ['fs.Dir.prototype.readSync', fs.Dir.prototype.readSync],
    ['fs.Dir.prototype.closeSync', fs.Dir.prototype.closeSync],
  ]);
  for (const [module, holder] of Object.entries(modules)) {
    for (const [key, value] of Object.entries(holder)) {
      if (/^(?!create).*Sync$/.test(key) && typeof value === 'function') functions.set(`${module}.${key}`, value);
    }
  }
  return functions;
}

describe('watchBlockingCalls', () => {
  it('reports a call that took longer than the limit, once a call site', inTime, async () => {
    const calls = reports(20);
    await run(function* first() {
      for (let i = 0; i < 2; i++) expect(block(30)).toBe('timed-out');
      block(1);
      childProcess.execFileSync('sleep', ['0.05']);
    });
    expect(names(calls)).toEqual(['Atomics.wait', 'child_process.execFileSync']);
    const [{ milliseconds, greenlet, stack, instead, reason }] = calls as [BlockingCallReport];
    expect(milliseconds).toBeGreaterThanOrEqual(29);
    expect(milliseconds).toBeLessThan(1000);
    expect(greenlet.name).toBe('main');
    expect(stack).toMatch(/^ {4}at block \(.*blocking-calls\.test\.ts:\d+:\d+\)\n {4}at first \(.*test\.ts/);
    expect(stack).not.toMatch(/src\/(core|io)\/|\.next \(/);
    expect(instead).toBe('yield* until(Promise.resolve(Atomics.waitAsync(…).value))');
    expect(reason).toBe(undefined);
  });

  it('has a limit of 10 ms by default', inTime, async () => {
    const calls = reports();
    await run(function* () {
      block(2);
      expect(calls).toEqual([]);
      block(15);
    });
    expect(names(calls)).toEqual(['Atomics.wait']);
  });

  it('counts each line, and each watch, by itself', async () => {
    const [short, long] = [reports(0), reports(10_000)];
    await run(function* () {
      fs.statSync('.');
      fs.statSync('.');
    });
    expect([names(short), names(long)]).toEqual([['fs.statSync', 'fs.statSync'], []]);
    expect(new Set(short.map(({ stack }) => stack)).size).toBe(2);
  });

  it('does not look at calls outside greenlets', async () => {
    const calls = reports(0);
    block(1);
    await run(function* () {
      yield* [];
    });
    setImmediate(() => fs.statSync('.'));
    await new Promise((resolve) => setImmediate(resolve));
    expect(calls).toEqual([]);
  });

  it('covers every function that blocks, and puts the very same functions back', () => {
    const before = blocking();
    reports();
    const watched = blocking();
    expect([...watched.keys()].sort()).toEqual([...before.keys()].sort());
    expect([...before].filter(([name, fn]) => watched.get(name) === fn)).toEqual([]);
    watches.pop()!.stop();
    const after = blocking();
    expect([...before].filter(([name, fn]) => after.get(name) !== fn)).toEqual([]);
    expect(before.size).toBeGreaterThan(60);
    expect(before.has('fs.globSync')).toBe('globSync' in fs);
  });

  it('keeps names, lengths, own properties and descriptors', () => {
    const before = blocking();
    const descriptor = Object.getOwnPropertyDescriptor(fs, 'readFileSync')!;
    reports();
    for (const [name, fn] of blocking()) {
      const original = before.get(name) as object;
      const described = (value: unknown) =>
        Reflect.ownKeys(value as object).map((key) => [key, Object.getOwnPropertyDescriptor(value, key)]);
      if (name === 'fs.realpathSync') continue; // its own property is watched
      expect(described(fn), name).toEqual(described(original));
    }
    expect(Reflect.ownKeys(fs.realpathSync)).toEqual(Reflect.ownKeys(before.get('fs.realpathSync') as object));
    expect(Object.getOwnPropertyDescriptor(fs, 'readFileSync')).toEqual({ ...descriptor, value: fs.readFileSync });
    expect([fsNames.readdirSync, readdirSync, createRequire(import.meta.url)('fs').readdirSync]).toEqual(
      Array(3).fill(fs.readdirSync),
    );
  });

  it('names an operation that exists for each', async () => {
    const calls = reports(0);
    await run(function* () {
      for (const [name, fn] of blocking()) {
        try {
          (fn as () => unknown)(); // whatever it says to that
        } catch {}
        expect(calls.at(-1)?.name, name).toBe(name);
        watches.pop()!.stop(); // all are called at the same place
        watches.push(watchBlockingCalls({ limit: 0, report: (call) => void calls.push(call) }));
      }
    });
    expect(calls.length).toBe(blocking().size);
    for (const { name, instead } of calls) {
      const [, operation, where] =
        /^yield\* (?:until\()?([\w.]+)\(.*?\)+( of genlet\/io| after patch\w+\(\))?$/.exec(instead) ?? [];
      const [module, ...path] = operation?.split('.') ?? [];
      const holder = modules[module!] ?? { Promise, dir: fs.Dir.prototype }[module!];
      const found = path.reduce<any>((value, key) => value?.[key], holder);
      expect([name, typeof found]).toEqual([name, 'function']);
      if (module === 'fs' && path[0] !== 'promises' && !instead.includes('until'))
        expect([name, where]).toEqual([name, ' of genlet/io']);
    }
  });

  it('tells how to write it with what is patched', async () => {
    const calls = reports(0);
    const call = () =>
      run(function* () {
        fs.statSync('.');
      });
    const other = () =>
      run(function* () {
        fs.statSync('.');
        crypto.pbkdf2Sync('a', 'b', 1, 8, 'sha256');
      });
    await call();
    patchFs();
    await other();
    expect(calls.map(({ instead }) => instead)).toEqual([
      'yield* fs.stat(…) of genlet/io',
      'yield* fs.stat(…)',
      'yield* crypto.pbkdf2(…) after patchCrypto()',
    ]);
  });

  it('counts what a call calls itself as part of it', async () => {
    const calls = reports(0);
    const file = join(fs.mkdtempSync(join(tmpdir(), 'genlet-')), 'file');
    await run(function* () {
      fs.appendFileSync(file, 'text'); // by writeFileSync
      fs.rmSync(join(file, '..'), { recursive: true });
    });
    expect(names(calls)).toEqual(['fs.appendFileSync', 'fs.rmSync']);
  });

  it('names the line outside Node that loads a module', async () => {
    const file = join(fs.mkdtempSync(join(tmpdir(), 'genlet-')), 'module.cjs');
    fs.writeFileSync(file, 'module.exports = 42;');
    const calls = reports(0);
    const require = createRequire(import.meta.url);
    await run(function* () {
      expect(require(file)).toBe(42);
    });
    fs.rmSync(join(file, '..'), { recursive: true });
    for (const { stack } of calls) expect(stack).toContain('blocking-calls.test.ts');
    expect(new Set(names(calls)).size).toBe(calls.length);
  });

  it('leaves results and errors as they are', async () => {
    const calls = reports(0);
    await run(function* () {
      expect(fs.readFileSync(import.meta.filename, 'utf8')).toContain('leaves results and errors');
      expect(() => fs.readFileSync('/missing')).toThrow(expect.objectContaining({ code: 'ENOENT' }));
      expect(String(zlib.gunzipSync(zlib.gzipSync('text')))).toBe('text');
    });
    expect(names(calls)).toEqual(['fs.readFileSync', 'fs.readFileSync', 'zlib.gzipSync', 'zlib.gunzipSync']);
  });

  it('tells the hub what a report throws, and goes on', async () => {
    watches.push(
      watchBlockingCalls({
        limit: 0,
        report: () => {
          throw new Error('no');
        },
      }),
    );
    const seen = reports(0);
    await run(function* () {
      expect(fs.existsSync('.')).toBe(true);
    });
    expect(names(seen)).toEqual(['fs.existsSync']);
    expect(await takeReports()).toEqual([
      { error: new Error('no'), greenlet: undefined, context: 'the report of a blocking call' },
    ]);
  });

  it('says nothing of what a report calls', async () => {
    const seen: string[] = [];
    const report = ({ name }: BlockingCallReport) => {
      seen.push(name);
      fs.statSync('.');
    };
    watches.push(watchBlockingCalls({ limit: 0, report }));
    await run(function* () {
      fs.existsSync('.');
      fs.lstatSync('.');
    });
    expect(seen).toEqual(['fs.existsSync', 'fs.lstatSync']);
  });

  it('ends at the end of its scope, and when it is stopped, once', async () => {
    const before = fs.statSync;
    const other = watchBlockingCalls();
    {
      using watch = watchBlockingCalls();
      expect(fs.statSync).not.toBe(before);
      watch.stop();
    }
    expect(fs.statSync).not.toBe(before); // the other one still watches
    other.stop();
    expect(fs.statSync).toBe(before);
    other.stop();
    const again = reports(0);
    await run(function* () {
      fs.statSync('.');
    });
    expect(names(again)).toEqual(['fs.statSync']);
  });

  it('checks its arguments', () => {
    expect(() => watchBlockingCalls({ limit: -1 })).toThrow(
      new RangeError('limit is -1: give milliseconds, 0 or more'),
    );
    expect(() => watchBlockingCalls({ limit: '1' as never })).toThrow(
      new TypeError("limit is '1': give a number of milliseconds"),
    );
    expect(() => watchBlockingCalls(5 as never)).toThrow(new TypeError('options is 5: give { limit: 10 }'));
    expect(() => watchBlockingCalls({ report: (async () => {}) as never })).toThrow(/^report is an async function/);
    expect(fs.statSync).toBe(getOriginal('fs', 'statSync'));
  });
});

describe('beside patchAll', () => {
  type Act = 'patch' | 'unpatch' | 'watch' | 'stop';

  it.each<Act[]>([
    ['patch', 'watch', 'unpatch', 'stop'],
    ['patch', 'watch', 'stop', 'unpatch'],
    ['watch', 'patch', 'unpatch', 'stop'],
    ['watch', 'patch', 'stop', 'unpatch'],
    ['watch', 'stop', 'patch', 'unpatch'],
  ])('%s, %s, %s, %s: each works while it is on, and all is restored', async (...acts) => {
    const original = { ...fs };
    const calls: string[] = [];
    let watch: BlockingCallWatch | undefined;
    const act: Record<Act, () => void> = {
      patch: () => void patchAll(),
      unpatch: () => unpatchAll(),
      watch: () => {
        watch = watchBlockingCalls({ limit: 0, report: ({ name }) => void calls.push(name) });
        watches.push(watch);
      },
      stop: () => {
        watch!.stop();
        watch = undefined;
      },
    };
    const places = [() => fs.statSync('.'), () => fs.statSync('.'), () => fs.statSync('.'), () => fs.statSync('.')];
    for (const [index, name] of acts.entries()) {
      act[name]();
      calls.length = 0;
      await run(function* () {
        places[index]!();
        if (isPatched('fs')) expect((yield* fs.stat('.')).isDirectory()).toBe(true);
      });
      expect([name, calls]).toEqual([name, watch === undefined ? [] : ['fs.statSync']]);
    }
    expect({ ...fs }).toEqual(original);
    for (const [name, fn] of Object.entries(original)) expect((fs as any)[name], name).toBe(fn);
    expect(formatReport()).toBe('nothing is patched\n');
  });

  it('shows in the report, and by getOriginal; to isPatched it is nothing', () => {
    const original = zlib.gzipSync;
    reports();
    expect(formatReport()).toMatch(/^ {2}zlib: .*gzipSync/m);
    expect(getOriginal('zlib', 'gzipSync')).toBe(original);
    expect([isPatched('zlib'), isPatched('zlib', 'gzipSync')]).toEqual([false, false]);
    patchCrypto();
    expect(isPatched('crypto', 'scryptSync')).toBe(false);
  });
});

describe('in a program', () => {
  let copies: Installed[];

  beforeAll(() => {
    copies = [installGenlet(), installGenlet()];
    copies[0]!.write('sleep.mjs', program("import fs from 'node:fs';\nimport { run } from 'genlet';"));
    copies[0]!.write('sleep.cjs', program("const fs = require('node:fs');\nconst { run } = require('genlet');"));
  }, 60_000);
  afterAll(() => {
    for (const copy of copies) copy.remove();
  });

  /** Blocks for 40 ms twice in a loop, and for some microseconds. */
  function program(imports: string): string {
    return `${imports}
const cell = new Int32Array(new SharedArrayBuffer(4));
function wait() { Atomics.wait(cell, 0, 0, 40); }
run(function* main() {
  for (let i = 0; i < 2; i++) wait();
  fs.existsSync('.');
  console.log(fs.existsSync.name);
});
`;
  }

  function runWith(setting: string, ...args: string[]) {
    const before = process.env.GENLET_MONITOR;
    process.env.GENLET_MONITOR = setting;
    try {
      return copies[0]!.node(...args);
    } finally {
      if (before === undefined) delete process.env.GENLET_MONITOR;
      else process.env.GENLET_MONITOR = before;
    }
  }

  it.each([
    ['--import', 'sleep.mjs'],
    ['--require', 'sleep.cjs'],
  ])('GENLET_MONITOR=1 with %s genlet/monkey/register prints what blocks in %s', inTime, (option, file) => {
    const { status, stdout, stderr } = runWith('1', option, 'genlet/monkey/register', file);
    expect([status, stdout]).toEqual([0, 'existsSync\n']);
    const lines = stderr.split('\n');
    expect(lines[0]).toMatch(
      /^genlet: Warning: Atomics\.wait\(\) in main blocked all greenlets for \d\d+ ms: use yield\* until\(/,
    );
    expect(lines[1]).toMatch(new RegExp(`^ {4}at wait \\(.*/${file}:4:\\d+\\)$`));
    expect(lines[2]).toMatch(new RegExp(`^ {4}at (Object\\.)?main \\(.*/${file}:6:\\d+\\)$`));
    expect(stderr).not.toMatch(/existsSync|genlet\/dist/);
    expect(stderr.match(/Warning/g)).toHaveLength(1);
  });

  it.each([
    ['0', []],
    ['', []],
    ['30', ['Atomics.wait']],
    ['300', []],
    ['0.000001', ['Atomics.wait', 'fs.existsSync']],
  ])('GENLET_MONITOR=%s', inTime, (setting, expected) => {
    const { stderr } = runWith(setting, '--import', 'genlet/monkey/register', 'sleep.mjs');
    const seen = [...stderr.matchAll(/Warning: ([\w.]+)\(/g)].map(([, name]) => name);
    expect(seen).toEqual(expected);
  });

  it('refuses a setting that is no number', () => {
    const { status, stderr } = runWith('often', '--import', 'genlet/monkey/register', 'sleep.mjs');
    expect(status).not.toBe(0);
    expect(stderr).toContain("RangeError: GENLET_MONITOR is 'often': give 1, or a number of milliseconds");
  });

  it('two copies report the calls of their own greenlets', async () => {
    const home = (i: number) => JSON.stringify(`${copies[i]!.folder}/node_modules/genlet/dist/`);
    const source = `
      import fs from 'node:fs';
      const one = { ...await import(${home(0)} + 'index.js'), ...await import(${home(0)} + 'io/monkey/index.js') };
      const two = { ...await import(${home(1)} + 'index.js'), ...await import(${home(1)} + 'io/monkey/index.js') };
      const original = fs.statSync;
      const watch = (copy, who) => copy.watchBlockingCalls({ limit: 0, report: ({ name }) => console.log(who, name) });
      const watches = [watch(one, 'one'), watch(two, 'two')];
      await one.run(function* () { fs.statSync('.'); });
      await two.run(function* () { fs.lstatSync('.'); });
      watches[0].stop();
      await one.run(function* () { fs.statSync('.'); });
      await two.run(function* () { fs.lstatSync('.'); });
      watches[1].stop();
      console.log(fs.statSync === original);
    `;
    const { status, stdout, stderr } = copies[0]!.node('--input-type=module', '--eval', source);
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout.trim().split('\n')).toEqual(['one fs.statSync', 'two fs.lstatSync', 'two fs.lstatSync', 'true']);
  });

  describe('with the loader genlet/monkey/sync', () => {
    const cooperating = `
import fs, { readFileSync } from 'node:fs';
import { run, getHub } from 'genlet';
const list = (paths) => paths.map((path) => fs.statSync(path));
function* iterator() { yield fs.lstatSync('.'); }
await run(function* main() {
  const text = readFileSync('sleep.mjs', 'utf8');
  console.log(fs.readFileSync('sleep.mjs', 'utf8') === text);
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
  ['.'].map((path) => fs.existsSync(path));
  list(['.']);
  [...iterator()];
});
`;

    beforeAll(() => copies[0]!.write('loaded.mjs', cooperating));

    it.each([
      [['genlet/monkey/sync']],
      [['genlet/monkey/register', 'genlet/monkey/sync']],
      [['genlet/monkey/sync', 'genlet/monkey/register']],
    ])('%s: what it turned does not block, and what it could not is named with the reason', (preloads) => {
      const options = preloads.flatMap((preload) => ['--import', preload]);
      const { status, stdout, stderr } = runWith('0.000001', '--no-warnings', ...options, 'loaded.mjs');
      expect([status, stdout]).toEqual([0, 'true\n']);
      const found = stderr.split(/^genlet: Warning: /m).slice(1);
      expect(found.map((text) => /^[\w.]+/.exec(text)![0])).toEqual(['fs.existsSync', 'fs.statSync', 'fs.lstatSync']);
      const reasons = found.map((text) => /\n {2}genlet\/monkey\/sync could not turn it: (.*)\n/.exec(text)?.[1]);
      expect(reasons).toEqual([
        'it stands in a function that is no generator function, and cannot suspend',
        undefined, // in a function that stands by itself
        'the function has a yield without a star: it is an iterator, and no coroutine',
      ]);
      expect(found[0]).toMatch(/loaded\.mjs:10:\d+/);
    });

    it('turns them all the same when the watch begins after it, and in the watch of the program', async () => {
      const source = `
        import { writeFileSync } from 'node:fs';
        import { run } from 'genlet';
        import { watchBlockingCalls } from 'genlet/monkey';
        import fs from 'node:fs';
        const watch = watchBlockingCalls({ limit: 0, report: ({ name }) => console.log(name) });
        await run(function* () {
          console.log(fs.statSync('.').isDirectory());
          (() => fs.lstatSync('.'))();
          watch.stop();
          console.log(fs.statSync('.').isDirectory());
        });
      `;
      copies[0]!.write('later.mjs', source);
      const { stdout, stderr } = copies[0]!.node('--no-warnings', '--import', 'genlet/monkey/sync', 'later.mjs');
      expect([stdout, stderr]).toEqual(['true\nfs.lstatSync\ntrue\n', '']);
    });
  });

  it('prints to stderr by default', async () => {
    const { stderr, exit } = await runProgram(`
      import fs from 'node:fs';
      import { run, spawn } from 'genlet';
      import { watchBlockingCalls } from 'genlet/monkey';
      watchBlockingCalls({ limit: 0 });
      await run(function* () {
        const one = spawn(function* () { fs.readdirSync('.'); });
        one.name = 'the lister';
        yield* one.join();
      });
    `);
    expect(exit).toBe(0);
    expect(stderr).toMatch(
      /^genlet: Warning: fs\.readdirSync\(\) in the lister blocked all greenlets for \d+ ms: use yield\* fs\.readdir\(…\) of genlet\/io\n {4}at /,
    );
  });
});

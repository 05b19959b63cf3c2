import { execFile } from 'node:child_process';
import { readFile } from 'node:fs';
import { createServer } from 'node:net';
import { promisify } from 'node:util';
import {
  fromCallback,
  type Greenlet,
  getcurrent,
  getHub,
  joinall,
  run,
  sleep,
  spawn,
  spawnNow,
  Timeout,
  until,
} from 'genlet';
import { describe, expect, it } from 'vitest';
import { runProgram } from '../support/child.ts';
import { hub, nextTurn, virtually, watchHub } from '../support/hub.ts';

const { takeReports } = watchHub();

describe('getHub and getcurrent', () => {
  it('give the one hub, and the greenlet that runs', async () => {
    expect(getHub()).toBe(getHub());
    expect(getcurrent()).toBe(undefined);
    await virtually(function* () {
      const me = getcurrent()!;
      const child: Greenlet<void> = spawn(function* () {
        expect(getcurrent() === child).toBe(true);
        yield* sleep(1);
        expect(getcurrent() === child).toBe(true);
      });
      yield* child;
      expect(getcurrent() === me).toBe(true);
    });
    expect(getcurrent()).toBe(undefined);
  });
});

describe('fairness', () => {
  it('lets I/O and Node’s timers happen while greenlets are always ready', async () => {
    const events = new Set<string>();
    const server = createServer().listen(0, () => events.add('listening'));
    setTimeout(() => events.add('timer'), 1);
    readFile('package.json', () => events.add('file'));
    await run(function* () {
      const end = performance.now() + 5000;
      const busy = spawn(function* () {
        for (;;) yield* sleep(0);
      });
      while (events.size < 3 && performance.now() < end) yield* sleep(0);
      yield* busy.kill();
    });
    server.close();
    expect([...events].sort()).toEqual(['file', 'listening', 'timer']);
  });

  it('lets timers of the hub fire meanwhile', async () => {
    await run(function* () {
      using limit = Timeout.startNew(5);
      try {
        for (;;) yield* sleep(0);
      } catch (error) {
        expect(error).toBe(limit);
      }
    });
  });

  it('ends a drain after switchInterval: Node’s immediates come every so often', async () => {
    let immediates = 0;
    const count = () => {
      immediates++;
      next = setImmediate(count);
    };
    let next = setImmediate(count);
    await run(function* () {
      const end = performance.now() + 5000;
      while (immediates < 20 && performance.now() < end) yield* sleep(0);
    });
    clearImmediate(next);
    expect(immediates).toBe(20);
  });

  it('is set by hub.switchInterval: with Infinity a drain lasts while anything is ready', async () => {
    const { switchInterval } = hub;
    expect(switchInterval).toBe(0.2);
    hub.switchInterval = Number.POSITIVE_INFINITY;
    try {
      await run(function* () {
        let polled = false;
        setImmediate(() => {
          polled = true;
        });
        for (const end = performance.now() + 20; performance.now() < end; ) yield* sleep(0);
        expect(polled).toBe(false);
        yield* until(new Promise((resolve) => void setImmediate(resolve)));
        expect(polled).toBe(true);
      });
    } finally {
      hub.switchInterval = switchInterval;
    }
  });

  it('makes every ready greenlet run in turn', async () => {
    await virtually(function* () {
      const turns = Array.from({ length: 50 }, () => 0);
      const spread = () => Math.max(...turns) - Math.min(...turns);
      let worst = 0;
      const greenlets = turns.map((_, index) =>
        spawn(function* () {
          for (let i = 0; i < 500; i++) {
            turns[index]!++;
            worst = Math.max(worst, spread());
            yield* sleep(0);
          }
        }),
      );
      yield* joinall(greenlets);
      expect(worst).toBe(1);
    });
  });
});

describe('order in virtual time', () => {
  it('does not depend on how long anything takes', async () => {
    const burn = (ms: number) => {
      for (const end = performance.now() + ms; performance.now() < end; );
    };
    async function orderWith(ms: number): Promise<unknown[]> {
      const events: unknown[] = [];
      await virtually(function* () {
        const done = spawn(() => {});
        yield* done;
        hub.callLater(0, () => events.push('timer'));
        for (const name of ['a', 'b']) {
          spawn(function* () {
            for (let i = 0; i < 4; i++) {
              burn(ms);
              events.push(name + i);
              yield* i % 2 === 0 ? sleep(0) : done;
            }
          });
        }
        yield* sleep(1);
      });
      return events;
    }
    expect(await orderWith(1)).toEqual(await orderWith(0));
  });
});

describe('hub.stats', () => {
  it('counts switches, spawned, alive, ready, timers', async () => {
    await virtually(function* () {
      const before = hub.stats();
      const greenlets = [spawn(sleep, 5), spawn(() => {}), spawnNow(sleep, 7)];
      hub.callLater(9, () => {});
      const { spawned, alive, ready, timers, switches } = hub.stats();
      expect({ spawned: spawned - before.spawned, alive, ready, timers, switches: switches - before.switches }).toEqual(
        {
          spawned: 3,
          alive: 4,
          ready: 2,
          timers: 2,
          switches: 1,
        },
      );
      yield* joinall(greenlets);
      expect(hub.stats()).toMatchObject({ alive: 1, ready: 0, timers: 1 });
      yield* sleep(5);
    });
  });

  it('names the longest slice and whose it was, while tracking is on', async () => {
    const hog = (ms: number) => {
      for (const end = performance.now() + ms; performance.now() < end; );
    };
    hub.tracking = true;
    try {
      await virtually(function* () {
        yield* sleep(1);
        // On a busy machine another slice may happen to be longer still: then once more.
        for (let tries = 0; tries < 20; tries++) {
          const longer = 50 + hub.stats().longestSlice.ms;
          const greenlet = spawn(hog, longer);
          yield* greenlet;
          const { longestSlice } = hub.stats();
          expect(longestSlice.ms).toBeGreaterThanOrEqual(longer);
          if (longestSlice.greenlet === greenlet) return;
        }
        expect.fail('never the one that took longest');
      });
    } finally {
      hub.tracking = false;
    }
  });

  it('shows neither waiter nor timer of 1,000 killed waits of each kind', async () => {
    await virtually(function* () {
      const target = spawn(sleep, 1e6);
      const waits = [
        () => sleep(1e6),
        () => target.join(1e6),
        () => target.get({ timeout: 1e6 }),
        () => joinall([target], { timeout: 1e6 }),
      ];
      const greenlets = Array.from({ length: 1000 }, (_, i) => spawn(() => waits[i % waits.length]!()));
      yield* sleep(0);
      expect(hub.stats().timers).toBe(1001);
      for (const greenlet of greenlets) greenlet.kill();
      yield* joinall(greenlets);
      expect(hub.stats()).toMatchObject({ alive: 2, timers: 1, ready: 0 });
      yield* target.kill();
    });
  });
});

describe('hub.onSpawn', () => {
  it('sees each greenlet when it starts, until it is taken out', async () => {
    const seen: unknown[] = [];
    await virtually(function* () {
      const forget = hub.onSpawn((greenlet) => seen.push(greenlet.name));
      const names = [spawn, spawnNow].map((start) => start(() => {}).name);
      forget();
      forget();
      spawn(() => {});
      yield* sleep(1);
      expect(seen).toEqual(names);
    });
  });

  it('reports an error of the hook, and the others are called', async () => {
    const error = new Error('hook');
    const seen: unknown[] = [];
    await virtually(function* () {
      const forget = [
        hub.onSpawn(() => {
          throw error;
        }),
        hub.onSpawn(() => seen.push('other')),
      ];
      yield* spawn(() => {});
      for (const one of forget) one();
    });
    expect(seen).toEqual(['other']);
    expect(await takeReports()).toMatchObject([{ error }]);
  });

  it('refuses what is no function', () => {
    expect(() => hub.onSpawn(5 as never)).toThrow(TypeError);
  });
});

describe('hub.onError', () => {
  it('does not see an error that ordinary code awaits, though it asks in a microtask', async () => {
    const error = new Error('awaited');
    await run(async () => {
      const failing = spawn(() => {
        throw error;
      });
      await expect(failing).rejects.toBe(error);
    });
    expect(await takeReports()).toEqual([]);
  });

  it('gets each error once, with greenlet and context; if it throws itself, both are printed', async () => {
    const { stderr, lines, exit } = await runProgram(`
      import { getHub, spawn, sleep } from 'genlet';
      getHub().onError = () => { throw new Error('handler broken'); };
      spawn(() => { throw new Error('first'); });
      spawn(function* () { yield* sleep(1); console.log('goes on'); });
    `);
    expect({ lines, exit }).toEqual({ lines: ['goes on'], exit: 0 });
    expect(stderr).toContain('handler broken');
    expect(stderr).toContain('first');
  });

  it('is replaced by printing: the stack, the name, and with tracking the spawn site', async () => {
    const { stderr, lines, exit } = await runProgram(`
      import { getHub, spawn, sleep } from 'genlet';
      getHub().tracking = true;
      const greenlet = spawn(function* work() { throw new Error('lonely'); });
      greenlet.name = 'worker';
      spawn(function* () { yield* sleep(1); console.log('goes on'); });
    `);
    expect({ lines, exit }).toEqual({ lines: ['goes on'], exit: 0 });
    expect(stderr).toMatch(/Error: lonely\n\s+at work/);
    expect(stderr).toContain('<worker work> failed, and nobody took the error');
    expect(stderr).toMatch(/spawned\n\s+at .*eval/);
    expect(stderr.match(/lonely/g)).toHaveLength(1);
  });

  it('survives an error that cannot be printed', async () => {
    const { stderr, lines, exit } = await runProgram(`
      import { inspect } from 'node:util';
      import { spawn, sleep } from 'genlet';
      const error = new Error('evil');
      error[inspect.custom] = () => { throw new Error('not printable'); };
      spawn(() => { throw error; });
      spawn(() => { throw { get stack() { throw new Error('not readable'); } }; });
      spawn(function* () { yield* sleep(1); console.log('goes on'); });
    `);
    expect({ lines, exit }).toEqual({ lines: ['goes on'], exit: 0 });
    expect(stderr.match(/failed, and nobody took the error/g)).toHaveLength(2);
  });

  it("as 'throw' makes it an uncaught exception", async () => {
    const { stderr, lines, exit } = await runProgram(`
      import { getHub, spawn } from 'genlet';
      getHub().onError = 'throw';
      process.on('exit', (code) => console.log('exit', code));
      spawn(() => { throw new Error('fatal'); });
    `);
    expect({ lines, exit }).toEqual({ lines: ['exit 1'], exit: 1 });
    expect(stderr).toContain('Error: fatal');
  });

  it('may be bypassed: hub.handleError is what everything calls', async () => {
    const error = new Error('by hand');
    hub.handleError(error, undefined, 'test');
    expect(await takeReports()).toEqual([{ error, greenlet: undefined, context: 'test' }]);
  });
});

it('keeps the process alive for a ready greenlet or a timer only, not for being loaded', async () => {
  const { lines, exit } = await runProgram(`
    import { sleep, spawn } from 'genlet';
    spawn(function* () { yield* sleep(20); console.log('end'); });
  `);
  expect({ lines, exit }).toEqual({ lines: ['end'], exit: 0 });
});

it('lives with callbacks that run their own event loop turns: a child process is waited for', async () => {
  await run(function* () {
    const { stdout } = yield* fromCallback<{ stdout: string }>((done) => {
      promisify(execFile)(process.execPath, ['-p', '40 + 2']).then((result) => done(null, result), done);
    });
    expect(stdout.trim()).toBe('42');
  });
  await nextTurn();
});

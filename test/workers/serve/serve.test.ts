import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run, sleep, spawn } from 'genlet';
import { createConnection, http } from 'genlet/io';
import { type Fleet, type ServeMode, serve } from 'genlet/workers';
import { afterAll, describe, expect, it } from 'vitest';
import { sharesPorts } from '../../../src/io/start-listening.ts';
import { chooseMode } from '../../../src/workers/serve/mode.ts';
import { eventually, thrown } from '../../io/support.ts';
import { hub, watchHub } from '../../support/hub.ts';
import { broken, exits, lines, notAServer, onlyOnce, web } from '../fixtures/serve-servers.ts';

watchHub();

const folder = mkdtempSync(join(tmpdir(), 'genlet-serve-'));
afterAll(() => rmSync(folder, { recursive: true }));

const modes: ServeMode[] = ['processes'];
if (sharesPorts) modes.push('reusePort');
if ((await run(() => chooseMode(undefined))) !== 'processes') {
  await run(() => chooseMode('transfer')).then(
    () => modes.push('transfer'),
    () => {},
  );
}

/** Threads and processes take their time to start where others are busy. */
const SLOW = { timeout: 60_000 };
const here = '127.0.0.1:0';

/** No thread and no process. */
const nothingIsLeft = (): boolean =>
  !process.getActiveResourcesInfo().some((kind) => /MessagePort|ProcessWrap/.test(kind));

/** Asks on connections of their own who answers. */
function* whoServes(fleet: Fleet, connections: number) {
  const workers = new Set<string>();
  for (let i = 0; i < connections; i++) {
    using socket = yield* createConnection(fleet.address);
    yield* socket.sendall(`line ${i}\n`);
    const answer = (yield* socket.readline())!;
    expect(answer).toMatch(new RegExp(` line ${i}$`));
    workers.add(answer.split(' ')[0]!);
  }
  return workers;
}

describe.each(modes)('serve by %s', (mode) => {
  it('has several workers answer at one address', SLOW, () =>
    run(function* () {
      const fleet = yield* serve(lines, [here], { workers: 2, mode });
      expect([fleet.mode, fleet.size, fleet.port > 0, `${fleet}`]).toEqual([mode, 2, true, `Fleet ${fleet.address}`]);
      const workers = yield* whoServes(fleet, 40);
      expect(workers.size).toBe(2);
      yield* fleet.stop();
      expect([fleet.size, fleet.closed]).toEqual([0, true]);
      expect((yield* thrown(createConnection(fleet.address))).code).toBe('ECONNREFUSED');
    }),
  );

  it('serves HTTP', SLOW, () =>
    run(function* () {
      const fleet = yield* serve(web, [here], { workers: 2, mode });
      const answers = [];
      for (let i = 0; i < 4; i++) {
        const response = yield* http.request(`http://${fleet.address}/${i}`);
        answers.push(response.json<{ path: string }>().path);
      }
      expect(answers).toEqual(['/0', '/1', '/2', '/3']);
      yield* fleet.stop();
    }),
  );

  it('lets handlers finish when it stops', SLOW, () =>
    run(function* () {
      const fleet = yield* serve(lines, [here], { workers: 2, mode });
      using socket = yield* createConnection(fleet.address);
      yield* socket.sendall('slow\n');
      yield* sleep(50);
      const stopping = spawn(() => fleet.stop(5000));
      expect(yield* socket.readline()).toMatch(/ slow$/);
      socket.close();
      yield* stopping;
    }),
  );

  it('replaces a worker that died, and says so', SLOW, () =>
    run(function* () {
      const reports: unknown[] = [];
      hub.onError = (reason) => reports.push(reason);
      const fleet = yield* serve(lines, [here], { workers: 2, mode });
      const before = yield* whoServes(fleet, 30);
      using socket = yield* createConnection(fleet.address);
      yield* socket.sendall('die\n');
      yield* eventually(() => fleet.size === 1);
      yield* eventually(() => fleet.size === 2);
      const after = yield* whoServes(fleet, 30);
      expect([...after].filter((worker) => before.has(worker))).toHaveLength(1);
      yield* fleet.stop();
      expect(reports).toMatchObject([{ code: 'GENLET_WORKER_DIED', exitCode: 3 }]);
      hub.onError = undefined;
    }),
  );

  it('restarts one worker after the other, while others serve', SLOW, () =>
    run(function* () {
      const fleet = yield* serve(lines, [here], { workers: 2, mode });
      const before = yield* whoServes(fleet, 20);
      const clients = spawn(function* () {
        let answered = 0;
        while (!restarted) {
          try {
            yield* whoServes(fleet, 1);
            answered++;
          } catch (error) {
            // The system resets what a worker has not accepted before it stops.
            if (mode !== 'reusePort' || (error as { code: string }).code !== 'ECONNRESET') throw error;
          }
        }
        return answered;
      });
      let restarted = false;
      yield* fleet.restart();
      restarted = true;
      expect(yield* clients).toBeGreaterThan(0);
      const after = yield* whoServes(fleet, 20);
      expect([...after].filter((worker) => before.has(worker))).toEqual([]);
      yield* fleet.stop();
      expect((yield* thrown(fleet.restart())).message).toBe(`${fleet} was stopped: call serve() to begin anew`);
    }),
  );

  it('throws what the making of the server throws, and leaves nothing', SLOW, () =>
    run(function* () {
      expect(yield* thrown(serve(broken, [], { workers: 2, mode }))).toMatchObject({
        name: 'RangeError',
        message: 'no such server',
      });
      expect((yield* thrown(serve(notAServer, [], { mode }))).message).toBe(
        'notAServer gives 5: give a StreamServer or an HttpServer that was not started',
      );
      expect(yield* thrown(serve(exits, [], { mode }))).toMatchObject({ code: 'GENLET_WORKER_DIED', exitCode: 7 });
      yield* eventually(nothingIsLeft);
    }),
  );

  it('is given up when workers die again and again', SLOW, () =>
    run(function* () {
      const reports: any[] = [];
      hub.onError = (reason) => reports.push(reason);
      const fleet = yield* serve(onlyOnce, [join(folder, mode)], { workers: 1, mode });
      const forever = spawn(() => fleet.serveForever());
      using socket = yield* createConnection(fleet.address);
      yield* socket.sendall('die\n');
      expect(yield* thrown(forever)).toMatchObject({ code: 'GENLET_BROKEN_POOL', cause: { exitCode: 4 } });
      expect(reports.map(({ exitCode }) => exitCode)).toEqual([3, 4, 4]);
      hub.onError = undefined;
    }),
  );

  it('ends its workers when it is killed at any moment of the start', SLOW, () =>
    run(function* () {
      for (const ms of [0, 20, 80, 150, 250]) {
        const starting = spawn(() => serve(lines, [here], { workers: 2, mode }));
        yield* sleep(ms);
        yield* starting.kill();
        if (starting.successful() && starting.value instanceof Object && 'stop' in starting.value) {
          yield* (starting.value as Fleet).stop();
        }
      }
      yield* eventually(nothingIsLeft);
    }),
  );
});

describe('serve', () => {
  it('refuses arguments that are none', () => {
    expect(() => serve(lines, 5 as never)).toThrow('args is 5: give an array, what lines is called with');
    expect(() => serve(lines, [here], { workers: 0 })).toThrow('workers is 0');
    expect(() => serve(lines, [here], { mode: 'fork' as never })).toThrow(
      "mode is 'fork': give 'reusePort', 'transfer' or 'processes', or leave it out",
    );
    expect(() => serve(() => 1, [])).toThrow("can't be found by another thread or process");
  });

  it.skipIf(sharesPorts)('says which modes this Node lacks', () =>
    run(function* () {
      expect((yield* thrown(serve(lines, [here], { mode: 'reusePort' }))).message).toContain(
        "mode is 'reusePort': Node",
      );
    }),
  );

  it('chooses a mode by itself', SLOW, () =>
    run(function* () {
      const fleet = yield* serve(lines, [here]);
      expect(fleet.mode).toBe(sharesPorts ? 'reusePort' : modes.includes('transfer') ? 'transfer' : 'processes');
      yield* fleet.stop();
    }),
  );
});

import { Greenlet, getcurrent, LoopExit, RawGreenlet, run, shield, sleep, spawn, until } from 'genlet';
import { VirtualClock } from 'genlet/testing';
import { describe, expect, it } from 'vitest';
import { runProgram } from '../support/child.ts';
import { hub, nextTurn, untilIdle, virtually, watchHub } from '../support/hub.ts';

const { takeReports } = watchHub();

function* crossed(): Generator<any, Greenlet<any>[], any> {
  const one: Greenlet<any> = spawn(() => other.join());
  const other: Greenlet<any> = spawn(() => one.get());
  one.name = 'one';
  other.name = 'other';
  yield* sleep(5);
  return [one, other];
}

describe('LoopExit in virtual time', () => {
  it('is thrown into main, and lists every blocked greenlet with what it waits for and since when', async () => {
    await virtually(function* () {
      const [one, other] = yield* crossed();
      try {
        yield* one!.join();
        expect.fail('no error');
      } catch (error) {
        expect(error).toBeInstanceOf(LoopExit);
        expect((error as LoopExit).blocked).toEqual([
          { name: '<main>', waitsFor: 'one.join()', since: 0, spawnedAt: undefined },
          { name: '<one>', waitsFor: 'other.join()', since: 5, spawnedAt: undefined },
          { name: '<other>', waitsFor: 'one.get()', since: 5, spawnedAt: undefined },
        ]);
        expect((error as LoopExit).message).toContain('nothing can wake the 3 blocked greenlet(s)');
        expect((error as LoopExit).message).toContain('<one> waits for other.join() since 5 ms');
      }
      one!.kill();
      yield* other!.join();
    });
  });

  it('tells the spawn site with tracking', async () => {
    hub.tracking = true;
    try {
      await virtually(function* () {
        const [one, other] = yield* crossed();
        try {
          yield* one!.join();
          expect.fail('no error');
        } catch (error) {
          const { blocked, message } = error as LoopExit;
          for (const { spawnedAt } of blocked.slice(1))
            expect(spawnedAt).toMatch(/at crossed .*loop-exit\.test\.ts:\d+/);
          expect(message).toContain('loop-exit.test.ts');
        }
        one!.kill();
        yield* other!.join();
      });
    } finally {
      hub.tracking = false;
    }
  });

  it('may be caught, and main goes on', async () => {
    await virtually(function* () {
      const stuck = spawn(() => (main as Greenlet).join());
      const main = getcurrent()!;
      for (let i = 0; i < 2; i++) {
        try {
          yield* stuck.join();
          expect.fail('no error');
        } catch (error) {
          expect(error).toBeInstanceOf(LoopExit);
        }
      }
      yield* sleep(10);
      yield* stuck.kill();
    });
  });

  it('is thrown into a main that stands in a raw switch, too', async () => {
    const stuck = virtually(function* () {
      const main = getcurrent() as Greenlet;
      yield* new RawGreenlet(function* () {
        yield* main.join();
      }).switch();
    });
    await expect(stuck).rejects.toBeInstanceOf(LoopExit);
  });

  it('is thrown into every main that is blocked', async () => {
    const events: string[] = [];
    function* main() {
      const stuck = spawn(() => me.join());
      const me = getcurrent() as Greenlet;
      try {
        yield* stuck.join();
      } catch (error) {
        events.push((error as Error).name);
        yield* stuck.kill();
      }
    }
    const clock = new VirtualClock();
    await Promise.all([run(main, { clock }), run(main, { clock })]);
    expect(events).toEqual(['LoopExit', 'LoopExit']);
  });

  it('passes a shield', async () => {
    await virtually(function* () {
      const [one, other] = yield* crossed();
      try {
        yield* shield(() => one!.join());
        expect.fail('no error');
      } catch (error) {
        expect(error).toBeInstanceOf(LoopExit);
      }
      one!.kill();
      yield* other!.join();
    });
  });

  it('does not come while a timer runs, or something outside is waited for', async () => {
    await virtually(function* () {
      const sleeper = spawn(sleep, 1e9);
      yield* sleeper.join();
      yield* until(new Promise((resolve) => void setTimeout(resolve, 5)));
    });
  });

  it('is reported, once, where main has ended already; daemons are killed before', async () => {
    let stuck: Greenlet<any>[] = [];
    await virtually(function* () {
      stuck = yield* crossed();
    });
    await nextTurn();
    await nextTurn();
    expect(await takeReports()).toMatchObject([{ error: { code: 'GENLET_LOOP_EXIT' }, context: 'end of the program' }]);
    stuck[0]!.kill();
    await untilIdle();
  });

  it('does not list, nor keep for, what is ready when it is found', async () => {
    const greenlet = new Greenlet<string>(() => 'started from outside');
    const ended = run(() => greenlet, { clock: new VirtualClock() });
    setImmediate(() => void greenlet.start());
    expect(await ended).toBe('started from outside');
  });
});

describe('LoopExit in real time', () => {
  it('ends main when the event loop is empty; the process fails with it', async () => {
    const { lines, stderr, exit } = await runProgram(`
      import { run, sleep, spawn, suspend } from 'genlet';
      const stuck = spawn(() => suspend(function neverResumed() {}));
      stuck.name = 'stuck';
      await run(function* () {
        yield* sleep(1);
        try {
          yield* stuck.join();
        } finally {
          console.log('finally');
        }
      });
    `);
    expect({ lines, exit }).toEqual({ lines: ['finally'], exit: 1 });
    expect(stderr).toContain('<main> waits for stuck.join()');
    expect(stderr).toContain('<stuck> waits for suspend(neverResumed)');
  });

  it('is printed where there is no main, and the process ends well', async () => {
    const { stderr, exit } = await runProgram(`
      import { spawn, suspend } from 'genlet';
      spawn(() => suspend(() => {})).name = 'stuck';
    `);
    expect(exit).toBe(0);
    expect(stderr).toContain('nothing can wake the 1 blocked greenlet(s)');
    expect(stderr.match(/<stuck> waits for/g)).toHaveLength(1);
  });

  it('does not concern daemons: they are killed, and their finally runs', async () => {
    const { lines, stderr, exit } = await runProgram(`
      import { run, sleep, spawn, suspend } from 'genlet';
      const forever = () => suspend(() => {});
      for (const wait of [forever, () => sleep(60_000)]) {
        spawn(function* () {
          try {
            yield* wait();
          } finally {
            yield* sleep(1);
            console.log('finally');
          }
        }).daemon = true;
      }
      await run(() => sleep(5));
      console.log('main ended');
    `);
    expect(lines.sort()).toEqual(['finally', 'finally', 'main ended']);
    expect({ stderr, exit }).toEqual({ stderr: '', exit: 0 });
  });

  it('lets a process with nothing but daemons end at once', async () => {
    const { lines, exit } = await runProgram(`
      import { sleep, spawn } from 'genlet';
      process.on('exit', () => console.log(performance.now() < 30_000));
      spawn(function* () {
        try {
          yield* sleep(60_000);
        } finally {
          console.log('finally');
        }
      }).daemon = true;
    `);
    expect({ lines, exit }).toEqual({ lines: ['finally', 'true'], exit: 0 });
  });

  it('reports nothing for a program that ends in order', async () => {
    const { stderr, exit } = await runProgram(`
      import { run, sleep, spawn } from 'genlet';
      await run(function* () { spawn(sleep, 5); yield* sleep(1); });
    `);
    expect({ stderr, exit }).toEqual({ stderr: '', exit: 0 });
  });
});

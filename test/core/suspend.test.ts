import { fromCallback, type Resumer, sleep, spawn, suspend, withTimeout } from 'genlet';
import { describe, expect, it } from 'vitest';
import { hub, virtually, watchHub } from '../support/hub.ts';

const { takeReports } = watchHub();

describe('suspend', () => {
  it('waits until it is resumed, once, by a value', async () => {
    await virtually(function* () {
      let resume!: Resumer<string>;
      hub.callSoon(() => {
        expect([resume('first'), resume('second'), resume.throw(new Error())]).toEqual([true, false, false]);
      });
      const value = yield* suspend<string>((one) => {
        resume = one;
      });
      expect(value).toBe('first');
    });
  });

  it('or by an error', async () => {
    const error = new Error('resumed');
    await virtually(function* () {
      for (const register of [
        (resume: Resumer<never>) => void resume.throw(error),
        (resume: Resumer<never>) => void hub.callSoon(() => void resume.throw(error)),
        () => {
          throw error;
        },
      ]) {
        try {
          yield* suspend(register);
          expect.fail('no error');
        } catch (caught) {
          expect(caught).toBe(error);
        }
      }
    });
  });

  it('registers only when it is performed, and may be resumed on the spot, without the scheduler', async () => {
    await virtually(function* () {
      const operation = suspend<number>((resume) => void resume(5));
      yield* sleep(0);
      const { switches } = hub.stats();
      expect([yield* operation, hub.stats().switches - switches]).toEqual([5, 0]);
    });
  });

  it('takes everything back when it is interrupted; a resume that comes too late gives false', async () => {
    const events: unknown[] = [];
    await virtually(function* () {
      const resumers: Resumer<string>[] = [];
      const wait = () =>
        suspend<string>((resume) => {
          resumers.push(resume);
          return () => void events.push('cancelled');
        });
      const killed = spawn(wait);
      yield* sleep(0);
      yield* killed.kill();
      yield* withTimeout(5, wait, { value: 'late' });
      expect(resumers.map((resume) => [resume('x'), resume.throw(new Error())])).toEqual([
        [false, false],
        [false, false],
      ]);
    });
    expect(events).toEqual(['cancelled', 'cancelled']);
  });

  it('never calls the cancel hook after a resume, nor twice', async () => {
    const events: string[] = [];
    await virtually(function* () {
      const greenlet = spawn(function* () {
        yield* suspend<void>((resume) => {
          hub.callSoon(() => {
            resume();
            greenlet.kill();
            greenlet.kill();
          });
          return () => void events.push('cancelled');
        });
        events.push('resumed');
        yield* sleep(10);
      });
      yield* greenlet.join();
    });
    expect(events).toEqual(['resumed']);
  });

  it('is cancelled if its register kills its own greenlet', async () => {
    const events: string[] = [];
    await virtually(function* () {
      const greenlet = spawn(() =>
        suspend(() => {
          greenlet.kill();
          return () => void events.push('cancelled');
        }),
      );
      yield* greenlet.join();
      expect(hub.outside).toBe(0);
    });
    expect(events).toEqual(['cancelled']);
  });

  it('does not call register for a greenlet that has been killed', async () => {
    await virtually(function* () {
      const greenlet = spawn(function* () {
        greenlet.kill();
        yield* suspend(() => expect.fail('registered'));
      });
      yield* greenlet.join();
      expect(greenlet.successful()).toBe(true);
    });
  });

  it('delivers a kill or timeout even if the cancel hook throws, and reports that error', async () => {
    const error = new Error('hook');
    const broken = () =>
      suspend(() => () => {
        throw error;
      });
    const events: string[] = [];
    await virtually(function* () {
      const greenlet = spawn(function* () {
        try {
          yield* broken();
        } finally {
          events.push('finally');
        }
      });
      yield* sleep(0);
      yield* greenlet.kill();
      events.push(yield* withTimeout(5, broken, { value: 'timed out' }) as any);
    });
    expect(events).toEqual(['finally', 'timed out']);
    expect((await takeReports()).map((report) => report.error)).toEqual([error, error]);
  });

  it('appears under the name of its register function', () => {
    expect(() => [...(suspend(function lockFile() {}) as any)]).toThrow('suspend(lockFile) was performed outside');
  });

  it('refuses what is no function', () => {
    expect(() => suspend(5 as never)).toThrow(new TypeError('register is 5: give a plain function'));
  });
});

describe('fromCallback', () => {
  it('gives the value, or throws the error', async () => {
    const error = new Error('callback');
    await virtually(function* () {
      expect(yield* fromCallback<string>((done) => done(null, 'at once'))).toBe('at once');
      expect(yield* fromCallback<string>((done) => void hub.callSoon(done, undefined, 'later'))).toBe('later');
      try {
        yield* fromCallback((done) => void hub.callSoon(done, error));
        expect.fail('no error');
      } catch (caught) {
        expect(caught).toBe(error);
      }
    });
  });

  it('drops what comes after a kill, and calls the function that register returned', async () => {
    const events: string[] = [];
    await virtually(function* () {
      let late!: (error: unknown, value?: string) => void;
      const greenlet = spawn(() =>
        fromCallback<string>((done) => {
          late = done;
          return () => void events.push('cancelled');
        }),
      );
      yield* sleep(0);
      yield* greenlet.kill();
      late(null, 'late');
      late(new Error('late'));
    });
    expect(events).toEqual(['cancelled']);
  });
});

/**
 * gevent's test__greenlet, the class about `with greenlet:`, which joins the greenlet at the end of the block and kills it
 * if the block fails. Here that is `taskGroup`, in which a failure of the greenlet ends the block, too.
 */
import { type Greenlet, GreenletExit, sleep, Timeout, taskGroup } from 'genlet';
import { describe, expect, it } from 'vitest';
import { hub, virtually, watchHub } from '../support/hub.ts';
import { outcomeOf } from './gevent-waits.ts';

watchHub();

const nap = (ms: number) => sleep(ms);
const error = new Error('of the greenlet');
const ofTheBlock = new Error('of the block');
const fail = () => {
  throw error;
};

describe('a greenlet of a block', () => {
  it('has ended when the block is over', () =>
    virtually(function* () {
      let greenlet: Greenlet<void> | undefined;
      yield* taskGroup((group) => {
        greenlet = group.spawn(nap, 10);
        expect([greenlet.started, greenlet.dead]).toEqual([true, false]);
      });
      expect([greenlet!.dead, greenlet!.successful(), hub.now()]).toEqual([true, true, 10]);
    }));

  it('ends the block that waits for it when it fails', () =>
    virtually(function* () {
      let greenlet: Greenlet<never> | undefined;
      const log: unknown[] = [];
      const outcome = yield* outcomeOf(() =>
        taskGroup(function* (group) {
          greenlet = group.spawn(fail);
          try {
            yield* greenlet.get();
          } catch (interruption) {
            log.push(interruption);
            throw interruption;
          }
        }),
      );
      expect((outcome as { error: unknown }).error).toBe(error);
      expect([greenlet!.dead, log]).toEqual([true, [expect.any(GreenletExit)]]);
    }));

  it('keeps its error, which the block throws at its end', () =>
    virtually(function* () {
      let greenlet: Greenlet<never> | undefined;
      const outcome = yield* outcomeOf(() =>
        taskGroup((group) => {
          greenlet = group.spawn(fail);
        }),
      );
      expect((outcome as { error: unknown }).error).toBe(error);
      expect(greenlet!.dead).toBe(true);
      const later = yield* outcomeOf(() => greenlet!.get());
      expect((later as { error: unknown }).error).toBe(error);
    }));

  it('is killed if the wait at the end of the block is interrupted', () =>
    virtually(function* () {
      let greenlet: Greenlet<void> | undefined;
      const log: string[] = [];
      using limit = Timeout.startNew(5);
      const outcome = yield* outcomeOf(() =>
        taskGroup((group) => {
          greenlet = group.spawn(nap, 10);
          log.push('block ran');
        }),
      );
      expect([(outcome as { error: unknown }).error === limit, hub.now(), log]).toEqual([true, 5, ['block ran']]);
      expect([greenlet!.dead, greenlet!.value]).toEqual([true, expect.any(GreenletExit)]);
    }));

  it.each([
    ['before it has begun', undefined],
    ['while it is blocked', 10],
  ])('is killed if the block fails %s', (_, delay) =>
    virtually(function* () {
      let greenlet: Greenlet<void> | undefined;
      const outcome = yield* outcomeOf(() =>
        taskGroup(function* (group) {
          greenlet = group.spawn(nap, 200);
          if (delay !== undefined) yield* sleep(delay);
          throw ofTheBlock;
        }),
      );
      expect((outcome as { error: unknown }).error).toBe(ofTheBlock);
      expect([greenlet!.dead, hub.now()]).toEqual([true, delay ?? 0]);
      // The error is the block's: to the greenlet it was a kill.
      expect(yield* outcomeOf(() => greenlet!.get())).toEqual({ value: expect.any(GreenletExit) });
    }),
  );
});

/** gevent's test__greenletset: groups and killall. */
import { type Coroutine, Greenlet, Group, killall, sleep, spawn, Timeout, withTimeout } from 'genlet';
import { describe, expect, it } from 'vitest';
import { hub, virtually, watchHub } from '../support/hub.ts';
import { outcomeOf } from './gevent-waits.ts';

watchHub();

const nap = (ms: number) => sleep(ms);

class SpecialError extends Error {}

/** Survives whatever is thrown into it but a `SpecialError`, and counts the shots. */
class Undead {
  shots = 0;

  *run(): Coroutine<void> {
    for (;;) {
      try {
        yield* sleep(1000);
      } catch (error) {
        if (error instanceof SpecialError) return;
        this.shots++;
      }
    }
  }
}

describe('a group', () => {
  it('has its members until they end', () =>
    virtually(function* () {
      const group = new Group();
      const sizes: number[] = [];
      group.spawn(nap, 200);
      sizes.push(group.size);
      group.spawn(nap, 1000);
      sizes.push(group.size);
      yield* sleep(500);
      sizes.push(group.size);
      yield* sleep(1000);
      sizes.push(group.size);
      expect(sizes).toEqual([1, 2, 1, 0]);
    }));

  it('is joined when its last member has ended', () =>
    virtually(function* () {
      const group = new Group();
      group.spawn(nap, 200);
      group.spawn(nap, 400);
      expect(group.size).toBe(2);
      expect(yield* group.join({ raiseError: true })).toBe(true);
      expect([group.size, hub.now()]).toEqual([0, 400]);
    }));

  it('is empty after a kill that was waited for', () =>
    virtually(function* () {
      const group = new Group();
      group.spawn(nap, 200);
      group.spawn(nap, 400);
      yield* sleep(1);
      yield* group.kill();
      expect([group.size, hub.now()]).toEqual([0, 1]);
    }));

  it('is empty in the next pass after a kill that was not waited for', () =>
    virtually(function* () {
      const group = new Group();
      group.spawn(nap, 200);
      group.spawn(nap, 400);
      yield* sleep(1);
      yield* group.kill(undefined, { block: false });
      expect(group.size).toBe(2);
      yield* sleep(0);
      expect([group.size, hub.now()]).toEqual([0, 1]);
    }));

  it('loses those that have not begun at once when it is killed', () =>
    virtually(function* () {
      const group = new Group();
      const members = [group.spawn(nap, 200), group.spawn(nap, 400)];
      yield* group.kill(undefined, { block: false });
      expect([group.size, members.map(({ dead }) => dead)]).toEqual([0, [true, true]]);
    }));

  it('throws the exit of several kills in one pass once, and that of a later kill anew', () =>
    virtually(function* () {
      const undead = [new Undead(), new Undead()];
      const members = undead.map((one) => spawn(() => one.run()));
      yield* sleep(10);
      const group = new Group(members);
      const [first, second] = members as [Greenlet<void>, Greenlet<void>];
      const shots = () => {
        expect(members.map(({ dead, started }) => [dead, started])).toEqual([
          [false, true],
          [false, true],
        ]);
        return undead.map(({ shots }) => shots);
      };
      expect([group.size, shots()]).toEqual([2, [0, 0]]);
      yield* group.killOne(first, undefined, { block: false });
      expect(shots()).toEqual([0, 0]); // it acts in the next pass
      yield* sleep(0);
      expect(shots()).toEqual([1, 0]);
      for (let i = 0; i < 3; i++) yield* group.kill(undefined, { block: false });
      expect(shots()).toEqual([1, 0]);
      yield* sleep(200);
      expect(shots()).toEqual([2, 1]);
      const late = yield* withTimeout(200, () => group.kill(), { value: 'too late' });
      expect([late, group.size, shots()]).toEqual(['too late', 2, [3, 2]]);
      yield* first.kill(new SpecialError());
      yield* group.killOne(second, new SpecialError());
      expect([group.size, undead.map(({ shots }) => shots)]).toEqual([0, [3, 2]]);
      yield* group.killOne(second); // is no member any more
    }));

  it('kills greenlets of a subclass, whatever they would have done', () =>
    virtually(function* () {
      class Own extends Greenlet<any> {}
      const members = [
        Own.spawn(() => {
          throw new Error('never runs');
        }),
        Own.spawn(nap, 10_000),
      ];
      yield* new Group(members).kill();
      expect(members.map((member) => [member instanceof Own, member.dead, member.successful()])).toEqual([
        [true, true, true],
        [true, true, true],
      ]);
    }));
});

describe('killall', () => {
  const stubborn = function* () {
    try {
      yield* sleep(1500);
    } catch {
      yield* sleep(1000);
    }
  };

  it('takes any iterable, and need not be waited for', () =>
    virtually(function* () {
      const greenlets = new Set([spawn(nap, 500), spawn(nap, 500)]);
      yield* killall(greenlets, undefined, { block: false });
      yield* sleep(500);
      expect(Array.from(greenlets, ({ dead }) => dead)).toEqual([true, true]);
    }));

  it('with a timeout ends what has not begun, without waiting', () =>
    virtually(function* () {
      const greenlets = new Set([spawn(stubborn), spawn(stubborn)]);
      yield* killall(greenlets, undefined, { timeout: 500 });
      expect(Array.from(greenlets, ({ dead }) => dead)).toEqual([true, true]);
      expect(hub.now()).toBe(0);
    }));

  it('with a timeout throws if greenlets that had begun live on', () =>
    virtually(function* () {
      const greenlets = new Set([spawn(stubborn), spawn(stubborn)]);
      yield* sleep(1);
      const outcome = yield* outcomeOf(() => killall(greenlets, undefined, { timeout: 500 }));
      expect(outcome).toEqual({ error: expect.any(Timeout) });
      expect([hub.now(), ...Array.from(greenlets, ({ dead }) => dead)]).toEqual([501, false, false]);
      yield* sleep(500);
      expect(Array.from(greenlets, ({ dead }) => dead)).toEqual([true, true]);
    }));
});

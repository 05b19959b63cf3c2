import nodeFs, { type FSWatcher, writeFileSync } from 'node:fs';
import { run, sleep, spawn } from 'genlet';
import { describe, expect, it, vi } from 'vitest';
import { fs } from '../../src/io/fs.ts';
import { watchHub } from '../support/hub.ts';
import { at, killBlocked, useFolder } from './fs-support.ts';
import { eventually, thrown, untilBlocked } from './support.ts';

watchHub();
useFolder();

const watchers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'FSEventWrap').length;

describe('watch', () => {
  it('tells what changes from the call on, also before next()', () =>
    run(function* () {
      using changes = fs.watch(at('.'));
      writeFileSync(at('a'), '');
      yield* fs.unlink(at('a'));
      expect(yield* changes.next()).toEqual({ done: false, value: { eventType: 'rename', filename: 'a' } });
      const later = spawn(() => changes.next());
      yield* untilBlocked(later);
      writeFileSync(at('b'), '');
      const names = new Set<string | null | undefined>([(yield* later).value?.filename]);
      while (!names.has('b')) names.add((yield* changes.next()).value?.filename);
      expect([...names].at(-1)).toBe('b');
    }));

  it('tells the same change once, however slow its reader is', () =>
    run(function* () {
      writeFileSync(at('a'), '');
      using changes = fs.watch(at('.'));
      for (let i = 0; i < 200; i++) writeFileSync(at('a'), String(i));
      yield* sleep(30); // the events come from the system
      expect((yield* changes.next()).value).toEqual({ eventType: 'change', filename: 'a' });
      const next = spawn(() => changes.next());
      yield* sleep(10);
      expect(next.dead).toBe(false);
      yield* next.kill();
    }));

  it('loses nothing by a kill, and serves waiters in the order of their calls', () =>
    run(function* () {
      using changes = fs.watch(at('.'));
      yield* killBlocked(() => changes.next());
      const order: string[] = [];
      const waiters = ['first', 'second'].map((name) =>
        spawn(function* () {
          const { value } = yield* changes.next();
          order.push(`${name} ${value?.filename}`);
        }),
      );
      for (const waiter of waiters) yield* untilBlocked(waiter);
      yield* fs.symlink('x', at('a'));
      yield* eventually(() => order.length === 1);
      yield* fs.symlink('x', at('b'));
      for (const waiter of waiters) yield* waiter;
      expect(order).toEqual(['first a', 'second b']);
    }));

  it('ends when it is disposed of, also for those who wait, and leaves no watcher', async () => {
    const before = watchers();
    await run(function* () {
      const changes = fs.watch(at('.'));
      expect(watchers()).toBe(before + 1);
      const waiter = spawn(() => changes.next());
      yield* untilBlocked(waiter);
      changes[Symbol.dispose]();
      changes[Symbol.dispose]();
      expect(yield* waiter).toEqual({ done: true, value: undefined });
      expect(yield* changes.next()).toEqual({ done: true, value: undefined });
      yield* eventually(() => watchers() === before);
    });
  });

  it('throws what is wrong at the call, and an error of the system once', () =>
    run(function* () {
      expect(() => fs.watch(at('nothing'))).toThrow(expect.objectContaining({ code: 'ENOENT' }));
      const made = vi.spyOn(nodeFs, 'watch');
      const changes = fs.watch(at('.'));
      const watcher = made.mock.results[0]!.value as FSWatcher;
      made.mockRestore();
      const waiters = [1, 2].map(() => spawn(() => changes.next()));
      for (const waiter of waiters) yield* untilBlocked(waiter);
      const error = new Error('the volume is gone');
      watcher.emit('error', error);
      expect(yield* thrown(waiters[0]!)).toBe(error);
      expect(yield* waiters[1]!).toEqual({ done: true, value: undefined });
      expect(yield* changes.next()).toEqual({ done: true, value: undefined });
    }));
});

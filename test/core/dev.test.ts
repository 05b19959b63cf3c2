import { describe, expect, it } from 'vitest';
import { runProgram } from '../support/child.ts';

const inDevelopment = (body: string) =>
  runProgram(
    `import { all, getcurrent, Pool, run, shield, sleep, spawn, until, withTimeout } from 'genlet';
    await run(function* main() {\n${body}\n});`,
    { env: { GENLET_DEV: '1' } },
  );

describe('GENLET_DEV=1', () => {
  it('reports operations that were never performed, with the place where they were made', async () => {
    const { stderr, exit } = await inDevelopment(`
      sleep(10);
      spawn(sleep, 1).join();
      yield* sleep(2);
    `);
    expect(exit).toBe(0);
    expect(stderr).toMatch(/Sleep was made and never performed: write yield\* before the call[\s\S]*at main/);
    expect(stderr).toContain('Join was made and never performed');
    expect(stderr.match(/never performed/g)).toHaveLength(2);
  });

  it('reports nothing for those that were, nor for a kill that nobody waits for', async () => {
    const { stderr } = await inDevelopment(`
      const greenlet = spawn(sleep, 1000);
      yield* sleep(0);
      yield* sleep(1);
      greenlet.kill();
      yield* until(Promise.resolve());
      yield* greenlet;
    `);
    expect(stderr).toBe('');
  });

  it('reports calls that are written as coroutines, too', async () => {
    const { stderr } = await inDevelopment(`
      withTimeout(5, () => sleep(1));
      all([]);
      new Pool(1).spawn(sleep, 1);
      yield* all([shield(() => sleep(1))]);
      yield* spawn(() => withTimeout(5, () => sleep(1)));
    `);
    expect(stderr.match(/\S+ was made and never performed/g)).toEqual([
      'withTimeout() was made and never performed',
      'all() was made and never performed',
      'Pool.spawn() was made and never performed',
    ]);
  });

  it('warns of a greenlet that took its exit and ended normally', async () => {
    const { stderr } = await inDevelopment(`
      const greenlet = spawn(function* stubborn() {
        try {
          yield* sleep(1000);
        } catch {}
      });
      yield* sleep(0);
      yield* greenlet.kill();
    `);
    expect(stderr).toMatch(/stubborn> was killed and ended normally: a catch took the GreenletExit/);
  });

  it('turns tracking on', async () => {
    const { lines } = await inDevelopment(`
      const child = spawn(() => {});
      console.log(child.spawner === getcurrent(), /at main/.test(child.spawnStack), typeof child.treeLocals);
      yield* child;
    `);
    expect(lines).toEqual(['true true object']);
  });
});

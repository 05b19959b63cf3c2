import { expect, it } from 'vitest';
import { exampleRunner } from './example.ts';
import { play, textOf } from './play.ts';

const { startExample } = exampleRunner();
const ITEMS = ['A', 'B', 'C'].flatMap((producer) => [1, 2, 3, 4].map((n) => producer + n));

/** The lines of each way, by its name. */
function splitByWay(lines: string[]): Record<string, string[]> {
  const ways: Record<string, string[]> = {};
  let current: string[] = [];
  for (const line of lines) {
    if (line.endsWith(':')) ways[line.slice(0, -1)] = current = [];
    else current.push(line);
  }
  return ways;
}

function checkWays(lines: string[]) {
  const ways = splitByWay(lines);
  expect(Object.keys(ways)).toEqual(['bySentinel', 'byJoin', 'byShutdown']);
  for (const way of Object.values(ways)) {
    const parts = way.map((line) => /^(first|second) consumed ([ABC][1-4])$/.exec(line)!);
    expect(parts.map(([, , item]) => item).sort()).toEqual(ITEMS);
    expect(new Set(parts.map(([, consumer]) => consumer))).toEqual(new Set(['first', 'second']));
    for (const producer of ['A', 'B', 'C']) {
      const numbers = parts.filter(([, , item]) => item!.startsWith(producer)).map(([, , item]) => item);
      expect(numbers).toEqual([...numbers].sort());
    }
  }
}

it('has every item consumed once, in all three ways', async () => {
  const lines = await play(() => import('../../examples/producers-consumers.ts'));
  checkWays(textOf(lines));
});

it('does so in real time, where daemons alone keep nobody up', async () => {
  const program = startExample('producers-consumers');
  expect(await program.ended()).toBe(0);
  expect(program.stderr).toBe('');
  checkWays(program.lines);
});

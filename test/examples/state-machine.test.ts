import { afterEach, expect, it } from 'vitest';
import { play, textOf } from './play.ts';

const { argv } = process;

afterEach(() => {
  process.argv = argv;
});

/** A module of its own for each seed. */
function playSeed(seed: number) {
  process.argv = ['node', 'state-machine.ts', '--seed', String(seed)];
  const module = `../../examples/state-machine.ts?seed=${seed}`;
  return play(() => import(module));
}

it('stays in each state for its time, until it is in the end', async () => {
  expect(await playSeed(1)).toEqual([
    [0, 'start'],
    [100, 'busy'],
    [600, 'idle'],
    [900, 'start'],
    [1000, 'busy'],
    [1500, 'tired'],
    [1700, 'end'],
  ]);
});

it.each([2, 3, 4, 5, 6, 7, 8, 9])('ends in the end by ways that there are (seed %i)', async (seed) => {
  const states = textOf(await playSeed(seed));
  const ways = new Set(states.slice(1).map((state, index) => `${states[index]} ${state}`));
  expect(states[0]).toBe('start');
  expect(states.indexOf('end')).toBe(states.length - 1);
  const all = [
    'start idle',
    'start busy',
    'idle start',
    'idle busy',
    'busy idle',
    'busy tired',
    'tired idle',
    'tired end',
  ];
  expect(all).toEqual(expect.arrayContaining([...ways]));
});

it('goes by the seed', async () => {
  expect(textOf(await playSeed(10))).not.toEqual(textOf(await playSeed(11)));
});

import { describe, expect, it } from 'vitest';
import { watchHub } from '../../support/hub.ts';
import { stress } from './stress.ts';

watchHub();

const seed = Math.floor(Math.random() * 1_000_000);

describe('shared objects keep their promises under random traffic, kills and timeouts', { timeout: 60_000 }, () => {
  it.each([
    { threads: 2, deaths: 0, turns: 80 },
    { threads: 4, deaths: 0, turns: 60 },
    { threads: 8, deaths: 0, turns: 30 },
    { threads: 3, deaths: 4, turns: 40 },
    { threads: 8, deaths: 4, turns: 20 },
  ])('from $threads threads of which $deaths die', async (round) => {
    expect({ seed, broken: await stress({ ...round, seed }) }).toEqual({ seed, broken: [] });
  });
});

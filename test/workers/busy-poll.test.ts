import { availableParallelism } from 'node:os';
import { beforeEach, describe, expect, it } from 'vitest';
import { BusyPoll } from '../../src/workers/busy-poll.ts';

const round = () => new Promise((done) => setImmediate(done));

let poll: BusyPoll;

beforeEach(() => {
  poll = new BusyPoll();
});

/** Begins, and has it be in vain. */
async function fail(): Promise<void> {
  poll.begin();
  expect(poll.active).toBe(true);
  while (poll.active) await round();
}

function isLeftOut(times: number): boolean {
  for (let i = 0; i < times; i++) {
    poll.begin();
    if (poll.active) return false;
  }
  return true;
}

describe.runIf(availableParallelism() > 1)('the event loop', () => {
  it('goes round until an answer comes', async () => {
    poll.begin();
    expect(poll.active).toBe(true);
    poll.end();
    await round();
    expect(poll.active).toBe(false);
  });

  it('goes to sleep if none comes soon, and does so at once the next times, and more of them after each failure', async () => {
    for (const times of [1, 3, 7]) {
      await fail();
      expect(isLeftOut(times)).toBe(true);
    }
  });

  it('goes round again as before after it was worth it', async () => {
    await fail();
    expect(isLeftOut(1)).toBe(true);
    poll.begin();
    poll.end();
    await round();
    await fail();
    expect(isLeftOut(1)).toBe(true);
    expect(isLeftOut(1)).toBe(false);
    poll.end();
    await round();
  });

  it('goes on for who begins to wait when an answer has just come to another', async () => {
    poll.begin();
    poll.end();
    poll.begin();
    await round();
    expect(poll.active).toBe(true);
    poll.end();
    await round();
    expect(poll.active).toBe(false);
  });
});

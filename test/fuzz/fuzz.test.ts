import { getHub } from 'genlet';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { runProgram } from './program.ts';

const hub = getHub();
const { onError, random } = hub;
const { stackTraceLimit } = Error;

beforeEach(() => {
  Error.stackTraceLimit = 0; // the programs throw a lot, and stacks are dear
});

afterEach(() => {
  Object.assign(hub, { onError, random });
  Error.stackTraceLimit = stackTraceLimit;
});

const CHUNK = 1000;

it.each(Array.from({ length: 10 }, (_, index) => index * CHUNK))(
  'keeps all invariants in random programs, seeds %i and on',
  async (first) => {
    for (let seed = first; seed < first + CHUNK; seed++) await expectNoViolation(seed);
  },
  60_000,
);

async function expectNoViolation(seed: number): Promise<void> {
  try {
    await runProgram(seed, 2);
  } catch (error) {
    expect.fail(`${error}\nreplay: npm run fuzz -- --seed ${seed} --each 2`);
  }
}

import { run, sleep, spawn } from 'genlet';
import { VirtualClock } from 'genlet/testing';
import { expect, it } from 'vitest';
import { showProgress } from '../../examples/support/progress.ts';

/** What is written to a terminal of `columns` while `done` of 4 goes from 0 to 4, one in 100 ms. */
async function draw(isTTY: boolean, columns: number): Promise<string[]> {
  const written: string[] = [];
  const terminal = { isTTY, columns, write: (text: string) => written.push(text) };
  let done = 0;
  await run(
    function* () {
      const bar = spawn(showProgress, () => ({ done, total: 4 }), terminal);
      yield* sleep(50);
      for (; done < 4; done++) yield* sleep(100);
      yield* bar.kill();
    },
    { clock: new VirtualClock() },
  );
  return written;
}

it('draws the bar anew ten times a second, and wipes it at the end', async () => {
  expect(await draw(true, 18)).toEqual([
    '\r[        ] 0 of 4\x1b[K',
    '\r[        ] 0 of 4\x1b[K',
    '\r[##      ] 1 of 4\x1b[K',
    '\r[####    ] 2 of 4\x1b[K',
    '\r[######  ] 3 of 4\x1b[K',
    '\r\x1b[K',
  ]);
});

it('keeps to one line of a narrow terminal', async () => {
  const lines = await draw(true, 8);
  expect(lines[2]).toBe('\r[] 1 of 4\x1b[K');
});

it('draws nothing where there is no terminal', async () => {
  expect(await draw(false, 80)).toEqual([]);
});

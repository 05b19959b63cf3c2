import { expect, it } from 'vitest';
import { exampleRunner } from './example.ts';

const { startExample } = exampleRunner();

it('counts in threads and processes to the same results, with a callback for each future', {
  timeout: 60_000,
}, async () => {
  const program = startExample('executors', '4', '200000');
  expect(await program.ended()).toBe(0);
  expect(program.stderr).toBe('');
  const time = String.raw`\d+\.\d\d s`;
  const line = (text: string) => expect.stringMatching(new RegExp(`^${text}$`));
  expect(program.lines).toEqual([
    line(`one after the other: ${time}`),
    ...['ThreadPoolExecutor', 'ProcessPoolExecutor'].flatMap((name) => [
      line(`${name}: submit and asCompleted took ${time}, 4 callbacks`),
      line(`${name}: map took ${time}`),
      `${name}: same results? true`,
    ]),
  ]);
});

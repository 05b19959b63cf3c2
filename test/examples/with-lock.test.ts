import { expect, it } from 'vitest';
import { play, textOf } from './play.ts';

it('has every lock released after a return, an error and a kill', async () => {
  const lines = await play(() => import('../../examples/with-lock.ts'));
  expect(textOf(lines)).toEqual(
    ['Lock', 'RLock', 'Condition', 'Semaphore'].flatMap((name) => [
      `${name}:`,
      '  held: true',
      '  locked after a return: false',
      '  locked after an error: false',
      '  locked after a kill: false',
    ]),
  );
});

import { expect, it } from 'vitest';
import { play } from './play.ts';

it('interleaves both, and has both results', async () => {
  expect(await play(() => import('../../examples/factorial-fibonacci.ts'))).toEqual([
    [1000, 'factorial(2) is 2'],
    [1000, 'fibonacci(2) is 1'],
    [2000, 'factorial(3) is 6'],
    [2000, 'fibonacci(3) is 2'],
    [3000, 'factorial(4) is 24'],
    [3000, 'fibonacci(4) is 3'],
    [4000, 'factorial(5) is 120'],
    [4000, 'fibonacci(5) is 5'],
    [5000, 'fibonacci(6) is 8'],
    [6000, 'fibonacci(7) is 13'],
    [7000, 'fibonacci(8) is 21'],
    [8000, 'fibonacci(9) is 34'],
    [9000, 'fibonacci(10) is 55'],
    [9000, '{ factorial: 120, fibonacci: 55 }'],
  ]);
});

/** gevent's test__joinall. */
import { joinall, spawn } from 'genlet';
import { describe, expect, it } from 'vitest';
import { virtually, watchHub } from '../support/hub.ts';

watchHub();

describe('joinall', () => {
  it.each([
    ['', {}],
    [', counted once', { count: 2 }],
    [', with a time limit', { timeout: 1000 }],
  ])('takes a greenlet that is named twice%s', (_, options) =>
    virtually(function* () {
      const [one, other] = [spawn(() => 1), spawn(() => 2)];
      const ended = yield* joinall([one, other, one], options);
      expect(ended.map(({ value }) => value)).toEqual([1, 2]);
    }),
  );
});

import { run, until } from 'genlet';
import { expect, it } from 'vitest';
import { RCODE, serveDns } from '../io/dns-support.ts';
import { exampleRunner } from './example.ts';

const { startExample } = exampleRunner();

it('looks up all names, and tells what came of them', async () => {
  const program = startExample('dns-mass-resolve', '--patience', '500', '--limit', '9000');
  expect(await program.ended()).toBe(0);
  expect(program.stderr).toBe('');
  expect(program.lines).toEqual([
    'names      500 of 500 within 9000 ms, 10 at a time',
    '',
    'ENOTFOUND  50',
    'ETIMEOUT   10',
    'found      440',
    '',
    expect.stringMatching(/^time {7}[\d.]+ s$/),
  ]);
});

it('asks another server, as many names at a time as the pool has places', async () => {
  await run(function* () {
    using server = yield* serveDns(() => ({ rcode: RCODE.serverFailure }));
    server.holding = true;
    const silent = ['--names', '20', '--pool', '3', '--patience', '9000', '--limit', '300'];
    const program = startExample('dns-mass-resolve', '--server', server.address, ...silent);
    expect(yield* until(program.ended())).toBe(0);
    expect(program.stderr).toBe('');
    expect(program.lines[0]).toBe('names  0 of 20 within 300 ms, 3 at a time');
    expect(server.questions.sort()).toEqual(['A host-0.example', 'A host-1.example', 'A host-2.example']);
  });
});

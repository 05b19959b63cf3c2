// npm run stress [-- --rounds N] [--threads N] [--seed N]: random traffic of threads over shared objects, some of which
// die, until a promise is broken or somebody waits for ever. The number of threads is random, from 2 to 8, unless it is given.
import { parseArgs } from 'node:util';
import { random } from '../test/support/random.ts';
import { stress } from '../test/workers/shared/stress.ts';

const LIMIT = 120_000;

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '50' }, threads: { type: 'string' }, seed: { type: 'string' } },
});

const rounds = values.seed === undefined ? number('rounds') : 1;
const first = values.seed === undefined ? Date.now() % 1_000_000_000 : number('seed');

for (let seed = first; seed < first + rounds; seed++) {
  const dice = random(seed);
  const threads = values.threads === undefined ? 2 + dice(7) : number('threads');
  const round = { threads, deaths: dice(2) * dice(8), turns: 20 + dice(80), seed };
  console.log(JSON.stringify(round));
  const watch = setTimeout(() => fail(seed, `somebody still waits after ${LIMIT / 1000} s`), LIMIT);
  const broken = await stress(round);
  clearTimeout(watch);
  if (broken.length > 0) fail(seed, broken.join('\n'));
}
console.log(`${rounds} rounds, no promise broken`);

function fail(seed: number, what: string): never {
  console.error(what);
  console.error(`once more: npm run stress -- --seed ${seed}`);
  process.exit(1);
}

function number(name: 'rounds' | 'threads' | 'seed'): number {
  const value = Number(values[name]);
  if (Number.isSafeInteger(value) && value >= (name === 'threads' ? 2 : 0)) return value;
  console.error(`--${name} is ${values[name]}: give a whole number${name === 'threads' ? ', 2 or more' : ''}`);
  process.exit(2);
}

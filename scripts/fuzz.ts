// npm run fuzz [-- --operations N] [--seed N] [--each N]: random programs over all that coordinates, until one goes wrong.
// A seed that fails is printed; with --seed, its program alone is run again, with stacks.
import { parseArgs } from 'node:util';
import { runProgram } from '../test/fuzz/program.ts';

const { values } = parseArgs({
  options: {
    operations: { type: 'string', default: '1000000' },
    seed: { type: 'string' },
    each: { type: 'string', default: '4' },
  },
});

const [wanted, each] = [number('operations'), number('each')];
let done = 0;
let seed = values.seed === undefined ? Date.now() : number('seed');
if (values.seed === undefined) Error.stackTraceLimit = 0;

try {
  for (; done < wanted; seed++) {
    done += await runProgram(seed, each);
    if (values.seed !== undefined) break;
  }
  console.log(`${done} operations, no invariant violated`);
} catch (error) {
  console.error(error);
  console.error(`replay: npm run fuzz -- --seed ${seed} --each ${each}`);
  process.exitCode = 1;
}

function number(name: 'operations' | 'seed' | 'each'): number {
  const value = Number(values[name]);
  if (Number.isSafeInteger(value) && value >= 0) return value;
  console.error(`--${name} is ${values[name]}: give a whole number`);
  process.exit(2);
}

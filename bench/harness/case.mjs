// The program of a case's process: node case.mjs <file> <title of the table> <name of the case>. Prints "figure <number>", or several numbers.
import { figureOf } from './passes.mjs';

const [file, title, name] = process.argv.slice(2);
const { default: tables } = await import(file);
const table = [tables].flat().find((candidate) => candidate.title === title);
const figure = await figureOf(await table.cases[name]());
process.stdout.write(`figure ${[figure].flat().join(' ')}\n`, () => process.exit(0)); // a case may leave timers behind

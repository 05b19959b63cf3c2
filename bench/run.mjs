// node bench/run.mjs <suite> [--rounds N] [--filter RE] [--node MAJOR] [--quick]      (README.md explains)
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { benchFolder } from './harness/folders.mjs';
import { missedBars, terminalTable } from './harness/print.mjs';
import { byReading } from './harness/readings.mjs';
import { report } from './harness/report.mjs';
import { measureTable } from './harness/rounds.mjs';
import { buildGenlet, findNode, installPeers, majorOf } from './harness/setup.mjs';
import { baseOf, summarize } from './harness/summary.mjs';

const newestNode = 26;
const pace = { full: { rounds: 5, milliseconds: 160 }, quick: { rounds: 1, milliseconds: 100 } };

const { positionals, values: options } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string' },
    filter: { type: 'string' },
    node: { type: 'string' },
    quick: { type: 'boolean', default: false },
  },
});
const suite = await loadSuite(positionals[0]);
const usual = options.quick ? pace.quick : { ...pace.full, ...suite.pace };
const rounds = Number(options.rounds ?? usual.rounds);
const { milliseconds } = usual;
if (!Number.isInteger(rounds) || rounds < 1) misuse(`--rounds is ${options.rounds}: give a positive integer`);
const tables = suite.tables.map((table) => filtered(table, options.filter)).filter(Boolean);
if (tables.length === 0) misuse(`--filter ${options.filter} matches no case`);

buildGenlet();
installPeers();
const majors =
  options.node === undefined ? [...new Set([majorOf(process.version), newestNode])] : [Number(options.node)];
const nodes = majors.map(nodeOrNothing).filter(Boolean);

const began = performance.now();
const measuredTables = [];
for (const table of tables) {
  const results = measureTable(table, {
    nodes,
    rounds: Math.min(rounds, table.mostRounds ?? rounds),
    milliseconds,
    onCase: showProgress(table),
  });
  const shown = byReading({ table, results });
  measuredTables.push(...shown);
  for (const { version } of nodes) {
    for (const { table, results } of shown) {
      console.log(`\n${table.title}, Node ${version}\n${terminalTable(table, summarize(table, results.get(version)))}`);
    }
  }
}
printMissedBars();
console.log(`\n${Math.round((performance.now() - began) / 1000)} s`);
writeResults();

/** Without a network the newest Node may be out of reach; the running one is measured all the same. */
function nodeOrNothing(major) {
  try {
    return findNode(major);
  } catch (error) {
    if (options.node !== undefined) throw error;
    console.error(`Node ${major} is left out: ${error.message}`);
    return undefined;
  }
}

function misuse(problem) {
  console.error(`${problem}\nusage: node bench/run.mjs <suite> [--rounds N] [--filter RE] [--node MAJOR] [--quick]`);
  process.exit(2);
}

/** The tables of bench/<name>/index.mjs, each knowing the file it stands in, for the processes of its cases. */
async function loadSuite(name) {
  const index = new URL(`${name}/index.mjs`, import.meta.url);
  if (name === undefined || !existsSync(index)) misuse(`there is no suite "${name ?? ''}"`);
  const { title, files, ...pace } = await import(index);
  const tables = [];
  for (const file of files) {
    const { href } = new URL(file, index);
    tables.push(...[(await import(href)).default].flat().map((table) => ({ ...table, file: href })));
  }
  return { name, title, pace, tables };
}

/** The table with those cases that match (by "title: case"), and the one that they are compared with. */
function filtered(table, pattern) {
  const wanted = new RegExp(pattern ?? '', 'i');
  const names = Object.keys(table.cases).filter((name) => wanted.test(`${table.title}: ${name}`));
  if (names.length === 0) return undefined;
  const kept = Object.entries(table.cases).filter(([name]) => names.includes(name) || name === baseOf(table));
  return { ...table, cases: Object.fromEntries(kept) };
}

function showProgress(table) {
  if (!process.stderr.isTTY) return () => {};
  return (round, name) => process.stderr.write(`\r\x1b[K${table.title}, round ${round + 1}: ${name}\r`);
}

function printMissedBars() {
  for (const { version } of nodes) {
    const missed = measuredTables.flatMap(({ table, results }) =>
      missedBars(table, summarize(table, results.get(version))),
    );
    console.log(
      `\nNode ${version}: ${missed.length === 0 ? 'every bar that was measured is reached' : `bars missed\n  ${missed.join('\n  ')}`}`,
    );
  }
}

/** Only a whole run is kept: half a table in the repository would read like a whole one. */
function writeResults() {
  const isWhole = options.filter === undefined && options.node === undefined && !options.quick;
  if (!isWhole || nodes.length < majors.length) {
    console.log('results file left as it is (it is written by a run on both Nodes, without --filter and --quick)');
    return;
  }
  const file = join(benchFolder, 'results', `${suite.name}.md`);
  mkdirSync(join(benchFolder, 'results'), { recursive: true });
  writeFileSync(file, report(suite, measuredTables, { nodes, rounds }));
  console.log(`written to ${file}`);
}

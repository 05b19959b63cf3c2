// Measures a table. Round after round, every case runs once on every Node, each time in a fresh process; so whatever else the
// machine does meanwhile falls on all of them alike. Peers that are not JavaScript run once a round, whatever the number of Nodes.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { commandOf } from './programs.mjs';

const caseProgram = fileURLToPath(new URL('case.mjs', import.meta.url));
const longestCase = 120_000;

/**
 * Figures by Node version and case: `results.get(version).get(name)` is `{ figures }`, one for each round (`undefined` where
 * the case failed), or `{ absent: reason }`. In a table with `readings` a figure is a list, with one number for each.
 */
export function measureTable(table, { nodes, rounds, milliseconds, onCase }) {
  const results = new Map(nodes.map(({ version }) => [version, new Map()]));
  const runs = Object.keys(table.cases).flatMap((name) => runsOf(table, name, nodes, results));
  for (let round = 0; round < rounds; round++) {
    for (const { name, command, env, result } of runs) {
      onCase(round, name);
      result.figures.push(figureOf(table, name, command, { ...env, BENCH_MILLISECONDS: String(milliseconds) }));
    }
  }
  return results;
}

/** The processes that one round of a case consists of; their results are entered in `results` beforehand, to keep the order. */
function runsOf(table, name, nodes, results) {
  const given = table.cases[name];
  if (typeof given === 'function') {
    return nodes.map(({ version, path }) => {
      const result = { figures: [] };
      results.get(version).set(name, result);
      return {
        name,
        command: [path, ...(table.nodeFlags ?? []), caseProgram, table.file, table.title, name],
        env: {},
        result,
      };
    });
  }
  const { absent, command, env } = commandOf(given);
  const result = absent ? { absent } : { figures: [] };
  for (const { version } of nodes) results.get(version).set(name, result);
  return absent ? [] : [{ name, command, env, result }];
}

function figureOf({ title, readings }, name, [program, ...args], env) {
  const child = spawnSync(program, args, { encoding: 'utf8', env: { ...process.env, ...env }, timeout: longestCase });
  const figures = /^figure (.+)$/m
    .exec(child.stdout ?? '')?.[1]
    .split(' ')
    .map(Number);
  if (figures?.length === (readings?.length ?? 1)) return readings === undefined ? figures[0] : figures;
  console.error(
    `${title}: ${name}: no figure (${child.error?.message ?? child.signal ?? `exit ${child.status}`})\n${(child.stderr ?? '').trimEnd()}`,
  );
  return undefined;
}

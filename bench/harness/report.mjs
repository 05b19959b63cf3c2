// Writes results/<suite>.md: on what, when and how was measured, then a section for each Node.

import { readFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { benchFolder } from './folders.mjs';
import { markdownTable, missedBars } from './print.mjs';
import { versionOf } from './programs.mjs';
import { summarize } from './summary.mjs';

export function report(suite, measuredTables, { nodes, rounds }) {
  const parts = [
    `# ${suite.title}`,
    `Made by \`npm run bench -- ${suite.name}\`; how to read it stands in [README.md](../README.md).`,
    conditions(nodes, rounds),
    ...nodes.map(({ version }) => section(version, measuredTables)),
  ];
  return `${parts.join('\n\n')}\n`;
}

function conditions(nodes, rounds) {
  const { dependencies } = JSON.parse(readFileSync(join(benchFolder, 'package.json'), 'utf8'));
  return [
    `- Date: ${new Date().toISOString().slice(0, 10)}`,
    `- Machine: ${cpus().length} x ${cpus()[0].model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB, ${process.platform} ${process.arch}. It is shared with others: trust the ratios, not the nanoseconds.`,
    `- Node: ${nodes.map(({ version }) => version).join(', ')}`,
    `- JavaScript peers: ${Object.entries(dependencies)
      .map(([name, version]) => `${name} ${version}`)
      .join(', ')}`,
    `- Python: ${versionOf('python')}`,
    `- Go: ${versionOf('go')}, GOMAXPROCS=1`,
    `- Rounds: ${rounds} (fewer where a table says so)`,
  ].join('\n');
}

function section(version, measuredTables) {
  const tables = measuredTables.map(({ table, results }) => ({ table, rows: summarize(table, results.get(version)) }));
  const missed = tables.flatMap(({ table, rows }) => missedBars(table, rows));
  return [
    `## Node ${version}`,
    missed.length === 0 ? 'Every bar is reached.' : `Bars missed:\n\n${missed.map((line) => `- ${line}`).join('\n')}`,
    ...tables.map(
      ({ table, rows }) => `### ${table.title}\n\n${table.about}${roundsNote(table)}\n\n${markdownTable(table, rows)}`,
    ),
  ].join('\n\n');
}

const roundsNote = (table) =>
  table.mostRounds === undefined ? '' : ` At most ${table.mostRounds} ${table.mostRounds === 1 ? 'round' : 'rounds'}.`;

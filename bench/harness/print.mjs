// The same rows for two readers: aligned on the terminal, Markdown in the results.
import { baseOf, count, times } from './summary.mjs';

const isText = [true, false, false, false, true, true];

function header(table) {
  return ['case', `min (${table.unit})`, 'median', `to ${baseOf(table)}`, 'bar', 'reached'];
}

function cells({ name, absent, minimum, median, ratio, bars }) {
  const figures = absent
    ? [`absent: ${absent}`, '', '']
    : [show(minimum, count), show(median, count), ratio === undefined ? '' : times(ratio)];
  return [name, ...figures, bars.map(({ text }) => text).join('; '), bars.map(reached).join('; ')];
}

const show = (value, format) => (value === undefined ? 'failed' : format(value));
const reached = ({ value, reached }) => (reached === undefined ? value : `${reached ? 'yes' : 'NO'}, ${value}`);

export function terminalTable(table, rows) {
  const lines = [header(table), ...rows.map(cells)];
  const widths = header(table).map((_, column) => Math.max(...lines.map((line) => line[column].length)));
  const align = (text, column) => (isText[column] ? text.padEnd(widths[column]) : text.padStart(widths[column]));
  return lines.map((line) => line.map(align).join('  ').trimEnd()).join('\n');
}

export function markdownTable(table, rows) {
  const line = (texts) => `| ${texts.map((text) => text.replaceAll('|', '\\|')).join(' | ')} |`;
  const rule = isText.map((text) => (text ? '---' : '--:'));
  return [line(header(table)), line(rule), ...rows.map((row) => line(cells(row)))].join('\n');
}

/** One line for each bar that was missed. */
export function missedBars(table, rows) {
  return rows.flatMap(({ name, bars }) =>
    bars
      .filter((bar) => bar.reached === false)
      .map(({ text, value }) => `${table.title}, ${name}: ${text}, reached ${value}`),
  );
}

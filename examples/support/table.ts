/** The tables in which the examples report. */

/** A label and its value; numbers are written with commas. */
export type Row = readonly [label: string, value: string | number];

/** Lays rows out in two columns; an empty line stands between the parts. */
export function formatTable(...parts: Row[][]): string {
  const width = Math.max(...parts.flat().map(([label]) => label.length));
  return parts.map((rows) => rows.map((row) => formatRow(row, width)).join('\n')).join('\n\n');
}

function formatRow([label, value]: Row, width: number): string {
  return `${label.padEnd(width)}  ${typeof value === 'number' ? value.toLocaleString('en-US') : value}`;
}

export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`;
}

// From figures to rows: minimum, median, ratio to genlet, and each bar with the value that was reached.

/** The case that all others are compared with, unless a table names another as its `base`. */
const usualBase = 'genlet';

export const baseOf = (table) => table.base ?? usualBase;

/** `{ name, minimum, median, ratio, bars, absent }` for each case, in the table's order. Undefined where nothing was measured. */
export function summarize(table, results) {
  const base = results.get(baseOf(table));
  return [...results].map(([name, result]) => ({
    name,
    absent: result.absent,
    minimum: measured(result)?.reduce((least, figure) => Math.min(least, figure)),
    median: median(measured(result)),
    ratio: ratio(result, base),
    bars: (table.bars ?? []).filter((bar) => rowOf(table, bar) === name).map((bar) => judge(table, bar, results)),
  }));
}

/** A bar of the base against a peer stands in the peer's row, every other in the row of the case that it is set for. */
const rowOf = (table, bar) => bar.of ?? bar.against ?? baseOf(table);

/** `{ text, value, reached }`; `reached` is undefined when one of the two sides has no figures. */
function judge(table, bar, results) {
  const own = results.get(bar.of ?? baseOf(table));
  if (bar.moreThan !== undefined) {
    return verdict(bar, ` more than ${bar.moreThan}`, difference(own, results.get(bar.moreThan)), count);
  }
  if (bar.against === undefined) return verdict(bar, '', median(measured(own)), count);
  const peer = results.get(bar.against);
  const value = bar.faster === undefined ? ratio(own, peer) : ratio(peer, own);
  return verdict(bar, ` x ${bar.of === undefined ? 'this' : bar.against}`, value, times);
}

function verdict(bar, unit, value, show) {
  const text = textOf(bar, unit);
  if (value === undefined) return { text, value: 'not measured', reached: undefined };
  const { atMost = Infinity, atLeast = -Infinity, faster = -Infinity } = bar;
  return { text, value: show(value), reached: value <= atMost && value >= atLeast && value >= faster };
}

function textOf({ atMost, atLeast, faster }, unit) {
  if (faster !== undefined) return `${faster} x faster`;
  if (atLeast !== undefined) return `at least ${atLeast.toLocaleString('en-US')}${unit}`;
  return `at most ${atMost.toLocaleString('en-US')}${unit}`;
}

// The median of what the rounds give: what hits a whole round falls out.

function ratio(above, below) {
  return medianOfRounds(above, below, (one, other) => one / other);
}

function difference(above, below) {
  return medianOfRounds(above, below, (one, other) => one - other);
}

function medianOfRounds(above, below, compare) {
  const rounds = above?.figures?.map((figure, round) => compare(figure, below?.figures?.[round]));
  return median(rounds?.filter(Number.isFinite));
}

function measured({ figures } = {}) {
  const known = figures?.filter((figure) => figure !== undefined);
  return known?.length > 0 ? known : undefined;
}

function median(values) {
  if (values === undefined || values.length === 0) return undefined;
  const sorted = values.toSorted((one, other) => one - other);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Three significant digits at least, no fraction from 1,000 on. */
export function count(value) {
  if (value >= 100 || Number.isInteger(value)) return Math.round(value).toLocaleString('en-US');
  return value.toFixed(value >= 10 ? 1 : 2);
}

export const times = (value) => `${count(value)} x`;

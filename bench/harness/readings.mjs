// Where one run of a case reads several things at once, such as time and CPU time, each of them gets a table of its own.

/** The tables to be shown for one that was measured. A reading gives its table's `unit` and `bars`, and `of`, what it is of. */
export function byReading({ table, results }) {
  if (table.readings === undefined) return [{ table, results }];
  return table.readings.map(({ of, ...reading }, index) => ({
    table: { ...table, ...reading, title: `${table.title}: ${of}` },
    results: new Map([...results].map(([version, cases]) => [version, oneReading(cases, index)])),
  }));
}

function oneReading(cases, index) {
  return new Map(
    [...cases].map(([name, result]) => [
      name,
      result.absent ? result : { figures: result.figures.map((figure) => figure?.[index]) },
    ]),
  );
}

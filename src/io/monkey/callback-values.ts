/** What a callback is given, as one result: by the names that `util.promisify` has for it. */
import type { AnyFunction } from './shared.ts';

/** The names that the function itself gives to several values, for `util.promisify`. @internal */
export function argumentNames(original: AnyFunction): readonly string[] | undefined {
  const symbol = Object.getOwnPropertySymbols(original).find(
    ({ description }) => description === 'customPromisifyArgs',
  );
  return symbol && (original as unknown as Record<symbol, readonly string[]>)[symbol];
}

/** One value as it is, several under their names. @internal */
export function resultOf(values: unknown[], names: readonly string[] | undefined): unknown {
  if (names === undefined || values.length < 2) return values[0];
  return Object.fromEntries(names.map((name, index) => [name, values[index]]));
}

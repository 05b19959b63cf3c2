/** Which copies of genlet have patched what. */
import { isInPlace } from './install.ts';
import { shared } from './shared.ts';

/**
 * What was patched, by which copies of genlet: for each its folder, and by module the names. A name that somebody else
 * has wrapped or replaced since is marked with an asterisk.
 */
export function formatReport(): string {
  const copies = new Map<string, Map<string, Set<string>>>();
  for (const patch of shared.patches) {
    for (const part of patch.parts) {
      const names = entry(
        entry(copies, part.copy, () => new Map()),
        part.module,
        () => new Set<string>(),
      );
      names.add(isInPlace(patch, part) ? part.name : `${part.name}*`);
    }
  }
  const blocks = [...copies].map(([copy, modules]) => {
    const lines = [...modules].map(([module, names]) => `  ${module}: ${[...names].sort().join(', ')}`);
    return `patched by genlet in ${copy}\n${lines.sort().join('\n')}\n`;
  });
  return blocks.join('') || 'nothing is patched\n';
}

/** Prints `formatReport()`, to stdout by default. */
export function report(output: { write(text: string): unknown } = process.stdout): void {
  output.write(formatReport());
}

function entry<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key);
  if (value === undefined) {
    value = make();
    map.set(key, value);
  }
  return value;
}

/**
 * Rewrites calls of blocking functions in coroutines: `fs.readFileSync(path)` becomes
 * `(yield* cooperative(fs, "readFileSync")(path))`, which asks at run time what the function is.
 *
 * Which calls are rewritten is a matter of names, so that all others cost nothing: those that end in `Sync`, `Atomics.wait`,
 * and what the file has imported or taken apart under another name. What they do is a matter of the function's value, so
 * a function of somebody else's that happens to have such a name is called as it was. Lines stay where they are.
 */
import { type FoundCall, scan } from './sync-scan.ts';

/** A blocking call in or around a coroutine that stays as it is. @internal */
export interface MissedCall {
  readonly line: number;
  readonly text: string;
  readonly reason: string;
}

/** @internal */
export interface Rewritten {
  readonly source: string;
  readonly missed: readonly MissedCall[];
}

/** Where the loader finds the run-time part, from any module. @internal */
export const COOPERATIVE = 'genlet.cooperative';

const NAME = /[\p{ID_Start}$_][\p{ID_Continue}$\u200c\u200d]*/uy;
const MAY_MATTER = /Sync\b|\bAtomics\b/;
/** `readFileSync as read`, `readFileSync: read`, `read = fs.readFileSync`. */
const RENAMED = /(?:\w+Sync|\bwait)\s*(?:\bas\b|:)\s*([\p{ID_Start}$_][\p{ID_Continue}$]*)/gu;
const ASSIGNED = /([\p{ID_Start}$_][\p{ID_Continue}$]*)\s*=\s*(?:[\w$.]*Sync|Atomics\s*\.\s*wait)\b(?!\s*\()/gu;

/** Rewrites a module; `undefined` if there is nothing to rewrite and nothing to tell. @internal */
export function transform(source: string): Rewritten | undefined {
  if (!source.includes('*') || !MAY_MATTER.test(source)) return undefined;
  const aliases = new Set([RENAMED, ASSIGNED].flatMap((form) => [...source.matchAll(form)].map((match) => match[1]!)));
  const missed: MissedCall[] = [];
  const edits: [at: number, remove: number, insert: string][] = [];
  for (const call of scan(source)) {
    if (!call.scope.isGenerator && !call.scope.isWithin) continue;
    const callee = nameOf(source, call);
    if (!blocks(source, call, callee, aliases)) continue;
    const reason = whyNot(call);
    if (reason === undefined) edits.push(...editsOf(source, call, callee));
    else missed.push({ line: lineOf(source, call.open), text: textOf(source, call), reason });
  }
  return edits.length + missed.length === 0 ? undefined : { source: apply(source, edits), missed };
}

/** The last name of the callee; empty if it ends in brackets. */
function nameOf(source: string, { name, open }: FoundCall): string {
  if (name < 0) return /([\w$]+)['"]?\]?\s*(?:\?\.)?$/.exec(source.slice(Math.max(0, open - 80), open))?.[1] ?? '';
  NAME.lastIndex = name;
  return NAME.exec(source)?.[0] ?? '';
}

function blocks(source: string, call: FoundCall, name: string, aliases: ReadonlySet<string>): boolean {
  if (name.endsWith('Sync')) return true;
  if (name === 'wait') return /\bAtomics\s*\??\.\s*$/.test(source.slice(Math.max(0, call.name - 30), call.name));
  return call.start === call.name && aliases.has(name);
}

function whyNot({ scope, start, name }: FoundCall): string | undefined {
  if (!scope.isGenerator) return 'it stands in a function that is no generator function, and cannot suspend';
  if (scope.yields) return 'the function has a yield without a star: it is an iterator, and no coroutine';
  if (start < 0 || name < 0) return 'the function that is called is not named plainly: write object.nameSync(…)';
  return undefined;
}

function editsOf(source: string, call: FoundCall, callee: string): [number, number, string][] {
  const { start, name, end, onNewLine } = call;
  const begin = `${onNewLine ? ';' : ''}(yield* globalThis[Symbol.for("${COOPERATIVE}")](`;
  const behind = name + callee.length;
  if (start === name) {
    return [
      [start, 0, begin],
      [behind, 0, ')'],
      [end, 0, ')'],
    ];
  }
  return [
    [start, 0, begin],
    [source.lastIndexOf('.', name), 1, ','],
    [name, 0, '"'],
    [behind, 0, '")'],
    [end, 0, ')'],
  ];
}

function apply(source: string, edits: [number, number, string][]): string {
  // An outer call begins before an inner one at the same place, and ends behind it.
  edits.sort(([a], [b]) => a - b);
  const parts: string[] = [];
  let at = 0;
  for (const [place, remove, insert] of edits) {
    parts.push(source.slice(at, place), insert);
    at = place + remove;
  }
  parts.push(source.slice(at));
  return parts.join('');
}

function lineOf(source: string, at: number): number {
  return source.slice(0, at).split('\n').length;
}

function textOf(source: string, { open }: FoundCall): string {
  return /[\w$.?[\]'"]*\s*$/.exec(source.slice(Math.max(0, open - 80), open))![0].trim();
}

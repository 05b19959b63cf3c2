import { readFileSync } from 'node:fs';
import { posix } from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { listFiles } from '../scripts/project.ts';

interface Import {
  readonly from: string;
  readonly specifier: string;
  /** Whether the imported file runs before the importing one; a type or an `import()` cannot close a circle. */
  readonly eager: boolean;
}

/** The folders of src that a folder may import from, besides itself; '' is src/index.ts. */
const allowed: Record<string, string[]> = {
  core: [],
  sync: ['core'],
  io: ['core', 'sync'],
  workers: ['core', 'sync', 'io'],
  testing: ['core', 'sync'],
  inspect: ['core', 'sync'],
  '': ['core', 'sync'],
};

const files = listFiles('src', '.ts');
const parsed = files.map((file) => ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.ES2022, true));
const imports = parsed.flatMap(findImports);
const relativeImports = imports.filter(({ specifier }) => specifier.startsWith('.'));

describe('the sources', () => {
  it('import only folders below their own', () => {
    const offences = relativeImports.filter((entry) => {
      const target = layer(resolveImport(entry));
      return target !== layer(entry.from) && !allowed[layer(entry.from)]?.includes(target);
    });
    expect(offences.map(describeImport)).toEqual([]);
  });

  it('import no package but undici and those of Node', () => {
    const packages = imports.filter(({ specifier }) => !/^(\.{1,2}\/|node:|undici$)/.test(specifier));
    expect(packages.map(describeImport)).toEqual([]);
  });

  it('import files that exist, by their .ts name', () => {
    const missing = relativeImports.filter((entry) => !files.includes(resolveImport(entry)));
    expect(missing.map(describeImport)).toEqual([]);
  });

  it('do not import each other in a circle', () => {
    expect(findCircles()).toEqual([]);
  });

  it('have an index.ts in each folder that only re-exports', () => {
    const indexes = parsed.filter(({ fileName }) => posix.basename(fileName) === 'index.ts');
    const others = indexes.filter(({ statements }) =>
      statements.some((statement) => !(ts.isExportDeclaration(statement) && statement.moduleSpecifier)),
    );
    expect(others.map(({ fileName }) => fileName)).toEqual([]);
    const folders = files.map(posix.dirname);
    expect(indexes.map(({ fileName }) => posix.dirname(fileName)).sort()).toEqual([...new Set(folders)].sort());
  });
});

/** Imports and re-exports, `import()` expressions and `import()` types. */
function findImports(file: ts.SourceFile): Import[] {
  const found: Import[] = [];
  visit(file);
  return found;

  function visit(node: ts.Node): void {
    if (ts.isImportDeclaration(node)) {
      add(node.moduleSpecifier, node.importClause?.phaseModifier !== ts.SyntaxKind.TypeKeyword);
    } else if (ts.isExportDeclaration(node) && node.moduleSpecifier) {
      add(node.moduleSpecifier, !node.isTypeOnly);
    } else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
      add(node.argument.literal, false);
    } else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      add(node.arguments[0], false);
    }
    ts.forEachChild(node, visit);
  }

  function add(specifier: ts.Node | undefined, eager: boolean): void {
    if (specifier && ts.isStringLiteral(specifier)) {
      found.push({ from: file.fileName, specifier: specifier.text, eager });
    }
  }
}

function resolveImport({ from, specifier }: Import): string {
  return posix.join(posix.dirname(from), specifier);
}

/** `core` of `src/core/hub.ts`, '' of `src/index.ts`. */
function layer(file: string): string {
  return /^src\/([^/]+)\//.exec(file)?.[1] ?? '';
}

function findCircles(): string[] {
  const circles: string[] = [];
  const finished = new Set<string>();
  for (const file of files) {
    follow(file, []);
  }
  return circles;

  function follow(file: string, path: string[]): void {
    if (path.includes(file)) {
      circles.push([...path.slice(path.indexOf(file)), file].join(' -> '));
    } else if (!finished.has(file)) {
      const next = relativeImports.filter(({ from, eager }) => from === file && eager);
      for (const entry of next) {
        follow(resolveImport(entry), [...path, file]);
      }
      finished.add(file);
    }
  }
}

function describeImport({ from, specifier }: Import): string {
  return `${from} imports ${specifier}`;
}

/** Writes docs/api.txt: every public name of every entry point with its signature. */
import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import ts from 'typescript';
import { entryPoints, readCompilerConfig } from './project.ts';

if (process.argv[1] === import.meta.filename) {
  writeFileSync('docs/api.txt', describeApi());
}

export function describeApi(): string {
  const declarations = emitDeclarations();
  const program = createProgram(declarations);
  const checker = program.getTypeChecker();
  return entryPoints()
    .map(({ name, source }) => {
      const file = program.getSourceFile(resolve(source.replace(/^src/, 'dist').replace(/\.ts$/, '.d.ts')));
      const module = file && checker.getSymbolAtLocation(file);
      if (!module) {
        throw new Error(`${source} exports nothing`);
      }
      return `=== ${name} ===\n\n${describeModule(module, checker)}\n`;
    })
    .join('\n');
}

/** The declaration files of the build, by path. They stay in memory, since dist may be old or missing. */
function emitDeclarations(): Map<string, string> {
  const { options, fileNames } = readCompilerConfig('tsconfig.build.json');
  const files = new Map<string, string>();
  const program = ts.createProgram(fileNames, { ...options, declarationMap: false, removeComments: true });
  program.emit(undefined, (path, text) => files.set(path, text), undefined, true);
  return files;
}

function createProgram(files: Map<string, string>): ts.Program {
  const options: ts.CompilerOptions = { module: ts.ModuleKind.NodeNext, noLib: true, types: [] };
  const host = ts.createCompilerHost(options);
  const { getSourceFile, fileExists } = host;
  // The folders of files in memory may not exist on the disk.
  host.directoryExists = () => true;
  host.fileExists = (path) => files.has(path) || fileExists(path);
  host.getSourceFile = (path, languageVersion) => {
    const text = files.get(path);
    return text === undefined ? getSourceFile(path, languageVersion) : ts.createSourceFile(path, text, languageVersion);
  };
  return ts.createProgram([...files.keys()], options, host);
}

function describeModule(module: ts.Symbol, checker: ts.TypeChecker): string {
  const exported = checker.getExportsOfModule(module);
  exported.sort((a, b) => (a.name < b.name ? -1 : 1));
  return exported.map((symbol) => describeExport(symbol, checker)).join('\n\n');
}

function describeExport(symbol: ts.Symbol, checker: ts.TypeChecker): string {
  const target = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
  if (target.flags & ts.SymbolFlags.ValueModule) {
    return `namespace ${symbol.name} {\n${indent(describeModule(target, checker))}\n}`;
  }
  const declarations = target.declarations ?? [];
  const dependency = /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(declarations[0]?.getSourceFile().fileName ?? '')?.[1];
  if (dependency) {
    return `export { ${symbol.name} } from '${dependency}';`;
  }
  const lines = declarations.map(describeDeclaration);
  if (target.name !== symbol.name) {
    lines.unshift(`export { ${target.name} as ${symbol.name} };`);
  }
  return lines.join('\n');
}

function describeDeclaration(declaration: ts.Declaration): string {
  if (ts.isVariableDeclaration(declaration)) {
    return `const ${declaration.getText()};`;
  }
  const text = ts.isClassDeclaration(declaration) ? describeClass(declaration) : declaration.getText();
  // Two spaces to the level, where the compiler writes four.
  return text.replace(/^(export |declare )*/, '').replace(/^ +/gm, (spaces) => ' '.repeat(spaces.length / 2));
}

function describeClass(declaration: ts.ClassDeclaration): string {
  const head = declaration.getText().slice(0, declaration.members.pos - declaration.getStart());
  const members = declaration.members.filter(isPublic).map((member) => `    ${member.getText()}\n`);
  return `${head}\n${members.join('')}}`;
}

function isPublic(member: ts.ClassElement): boolean {
  const hidden = ts.getCombinedModifierFlags(member) & ts.ModifierFlags.Private;
  return !hidden && !(member.name && ts.isPrivateIdentifier(member.name));
}

function indent(text: string): string {
  return text.replace(/^(?=.)/gm, '  ');
}

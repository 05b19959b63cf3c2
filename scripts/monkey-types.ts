/**
 * Writes those files of src/io/monkey/types that follow from the declarations of Node: of each function of Node that takes
 * a callback, what it is when the callback is left out.
 *
 * The compiler tries the overloads of an augmentation before those that it adds to, and looks at the last ones for
 * `ReturnType`, `Parameters`, `util.promisify` and all else that is inferred from a function. So a function has to end in
 * the callback forms in which it ended before: in all of them, since the last one alone, often the most general, would
 * be taken for calls of the others. Callback forms that could be mistaken for a form without a callback, since a
 * function passes for options of which all are optional, stand before that one too.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';

/** What is made from one module of Node. */
interface Source {
  /** Functions that mean something else without a callback; and those typed by hand, as newer versions know more of them. */
  readonly omit?: readonly string[];
  /** What gives the result: `Started` by default. */
  readonly gives?: 'Performable';
  /** The methods of classes and interfaces that get an operation. */
  readonly methods?: Readonly<Record<string, readonly string[]>>;
}

const folder = 'src/io/monkey/types';

const sources: Readonly<Record<string, Source>> = {
  fs: { omit: ['stat'] },
  dns: { omit: ['resolve'] },
  zlib: { methods: { Zlib: ['close', 'flush'], ZlibParams: ['params'] } },
  // Without a callback they work at once; the overloads of `generateKeyPair` are others in each version.
  crypto: {
    omit: [
      ...['decapsulate', 'diffieHellman', 'encapsulate', 'sign', 'verify'],
      ...['randomBytes', 'pseudoRandomBytes', 'randomInt', 'generateKeyPair'],
    ],
  },
  child_process: {},
  net: { methods: { Server: ['getConnections'] } },
  dgram: { omit: ['createSocket'], methods: { Socket: ['connect', 'send'] } },
  readline: {
    gives: 'Performable',
    omit: ['clearLine', 'clearScreenDown', 'cursorTo', 'moveCursor'],
    methods: { Interface: ['question'] },
  },
};

/** Functions whose callback gets one value or two, depending on what is in the first. */
const results: Readonly<Record<string, string>> = {
  'string | LookupAddress[], number': 'LookupAddress | LookupAddress[]',
};

/** What `util.promisify` calls a value, if that is not the name of the callback's parameter. */
const renamed: Readonly<Record<string, string>> = { written: 'bytesWritten', str: 'buffer' };

type Callable = ts.FunctionDeclaration | ts.MethodDeclaration | ts.MethodSignature;

/** The generated files, by path. */
export function generateTypes(nodeTypes = 'node_modules/@types/node'): Map<string, string> {
  const files = Object.keys(sources).map((name): [string, string] => [
    `${folder}/${name.replace('_', '-')}-calls.ts`,
    new Generator(name, nodeTypes).write(),
  ]);
  return new Map(files);
}

/** The functions and methods of a module that should have a form without a callback, by dotted name, with the last of their signatures. */
export function callbackFunctions(nodeTypes: string): Map<string, string> {
  return new Map(Object.keys(sources).flatMap((name) => new Generator(name, nodeTypes).list()));
}

class Generator {
  readonly #name: string;
  readonly #source: Source;
  readonly #body: ts.ModuleBlock;
  /** Names from other modules, with the import that brings each. */
  readonly #imported = new Map<string, string>();
  readonly #declared = new Map<string, (ts.InterfaceDeclaration | ts.TypeAliasDeclaration | ts.ClassDeclaration)[]>();
  readonly #used = new Set<string>();

  constructor(name: string, nodeTypes: string) {
    this.#name = name;
    this.#source = sources[name]!;
    const path = join(nodeTypes, `${name}.d.ts`);
    const file = ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.Latest, true);
    const blocks = file.statements.flatMap((statement) =>
      ts.isModuleDeclaration(statement) && statement.body && ts.isModuleBlock(statement.body) ? [statement.body] : [],
    );
    blocks.sort((a, b) => b.statements.length - a.statements.length);
    this.#body = blocks[0]!;
    for (const statement of this.#body.statements) this.#note(statement);
  }

  write(): string {
    const members = [
      ...this.#functions(this.#body),
      ...Object.entries(this.#source.methods ?? {}).flatMap(([type, names]) => this.#type(type, names)),
    ];
    const imports = this.#imports();
    return [
      `/** \`node:${this.#name}\` without callbacks. Written by scripts/monkey-types.ts: \`npm run monkey-types\`. */`,
      '// biome-ignore-all format: generated',
      ...imports,
      '',
      `declare module 'node:${this.#name}' {`,
      ...members.map((line) => `  ${line}`),
      '}',
      '',
    ].join('\n');
  }

  list(): [string, string][] {
    const functions = [...groups(this.#body)].map(([name, overloads]): [string, Callable[]] => [name, overloads]);
    for (const [type, names] of Object.entries(this.#source.methods ?? {})) {
      for (const [name, overloads] of this.#members(type)) {
        if (names.includes(name)) functions.push([`${type}.${name}`, overloads]);
      }
    }
    return functions.flatMap(([name, overloads]): [string, string][] => {
      const forms = this.#forms(name, overloads);
      return forms.length === 0 ? [] : [[`${this.#name}.${name}`, signature(forms.at(-1)!)]];
    });
  }

  #note(statement: ts.Statement): void {
    if (ts.isImportDeclaration(statement) && ts.isStringLiteral(statement.moduleSpecifier)) {
      const from = statement.moduleSpecifier.text;
      const bindings = statement.importClause?.namedBindings;
      if (bindings !== undefined && ts.isNamespaceImport(bindings)) {
        this.#imported.set(bindings.name.text, `import type * as ${bindings.name.text} from '${from}';`);
      } else {
        for (const element of bindings?.elements ?? []) {
          this.#imported.set(element.name.text, `import type { ${element.getText()} } from '${from}';`);
        }
      }
    } else if (
      ts.isInterfaceDeclaration(statement) ||
      ts.isTypeAliasDeclaration(statement) ||
      (ts.isClassDeclaration(statement) && statement.name !== undefined)
    ) {
      add(this.#declared, statement.name!.text, statement);
    }
  }

  /** The functions of a module or a namespace, with those of the namespaces of the same names. */
  #functions(block: ts.ModuleBlock): string[] {
    return [...groups(block)].flatMap(([name, overloads]) => [
      ...this.#function(name, overloads, 'export function '),
      ...block.statements.flatMap((statement) => {
        if (!ts.isModuleDeclaration(statement) || statement.name.text !== name) return [];
        const inner = this.#functions(statement.body as ts.ModuleBlock);
        return inner.length === 0 ? [] : [`namespace ${name} {`, ...inner.map((line) => `  ${line}`), '}'];
      }),
    ]);
  }

  #type(type: string, names: readonly string[]): string[] {
    const members = [...this.#members(type)].flatMap(([name, overloads]) =>
      names.includes(name) ? this.#function(name, overloads, '') : [],
    );
    return [`interface ${type} {`, ...members.map((line) => `  ${line}`), '}'];
  }

  #members(type: string): Map<string, Callable[]> {
    const found = new Map<string, Callable[]>();
    for (const declaration of this.#declared.get(type) ?? []) {
      for (const member of ts.isTypeAliasDeclaration(declaration) ? [] : declaration.members) {
        if (ts.isMethodDeclaration(member) || ts.isMethodSignature(member)) add(found, member.name.getText(), member);
      }
    }
    return found;
  }

  /** The overloads that end in a callback. */
  #forms(name: string, overloads: readonly Callable[]): Callable[] {
    if (this.#source.omit?.includes(name)) return [];
    return overloads.filter((overload) => {
      const last = overload.parameters.at(-1);
      return last !== undefined && /^(callback|cb)$/.test(last.name.getText()) && this.#callback(last) !== undefined;
    });
  }

  #function(name: string, overloads: readonly Callable[], head: string): string[] {
    const forms = this.#forms(name, overloads);
    if (forms.length === 0) return [];
    const operations = [...new Set(forms.map((form) => this.#operation(form)))];
    const first = forms.filter((form) => forms.some((other) => mistakable(form, other)));
    for (const form of forms) this.#use(form);
    const strict = first.map((form) => signature(form, true));
    const old = forms.map((form, index) => signature(form, index < forms.length - 1));
    return [...strict, ...operations, ...old].map((text) => `${head}${text};`);
  }

  #callback(parameter: ts.ParameterDeclaration): ts.FunctionTypeNode | undefined {
    const find = (type: ts.TypeNode | undefined): ts.FunctionTypeNode | undefined => {
      if (type === undefined) return undefined;
      if (ts.isFunctionTypeNode(type)) return type;
      if (ts.isParenthesizedTypeNode(type)) return find(type.type);
      if (ts.isUnionTypeNode(type)) return type.types.map(find).find((found) => found !== undefined);
      if (!ts.isTypeReferenceNode(type)) return undefined;
      const alias = this.#declared.get(type.typeName.getText())?.[0];
      return alias !== undefined && ts.isTypeAliasDeclaration(alias) ? find(alias.type) : undefined;
    };
    return find(parameter.type);
  }

  /** An overload without its callback. */
  #operation(form: Callable): string {
    const callback = this.#callback(form.parameters.at(-1)!)!;
    this.#use(callback);
    const values = callback.parameters.filter(({ name }) => !/^(err|error)$/.test(name.getText()));
    const types = values.map((value) => print(value.type!) + (value.questionToken ? ' | undefined' : ''));
    const given = results[types.join(', ')] ?? this.#result(values, types);
    const gives =
      this.#name === 'child_process' ? `OutputProcess<${types[0]}>` : `${this.#source.gives ?? 'Started'}<${given}>`;
    this.#used.add(gives.split('<')[0]!);
    if (given.includes('LookupAddress')) this.#used.add('LookupAddress');
    const parameters = form.parameters.slice(0, -1).map((parameter) => print(parameter));
    return `${form.name!.getText()}${typeParameters(form)}(${parameters.join(', ')}): ${gives}`;
  }

  #result(values: readonly ts.ParameterDeclaration[], types: readonly string[]): string {
    if (types.length < 2) return types[0] ?? 'void';
    const names = values.map(({ name }) => renamed[name.getText()] ?? name.getText());
    return `{ ${names.map((name, index) => `${name}: ${types[index]}`).join('; ')} }`;
  }

  /** Notes the names of the types in a signature. */
  #use(node: ts.Node): void {
    const visit = (child: ts.Node): void => {
      if (ts.isTypeReferenceNode(child)) this.#used.add(child.typeName.getText().split('.')[0]!);
      if (ts.isTypeQueryNode(child)) this.#used.add(child.exprName.getText().split('.')[0]!);
      ts.forEachChild(child, visit);
    };
    visit(node);
  }

  #imports(): string[] {
    const own = [...this.#used].filter((name) => this.#declared.has(name));
    const others = [...this.#used].flatMap((name) => this.#imported.get(name) ?? []);
    const lines = others;
    if (own.length > 0) lines.push(`import type { ${own.sort().join(', ')} } from 'node:${this.#name}';`);
    lines.sort((a, b) => (specifier(a) < specifier(b) ? -1 : 1));
    if (this.#used.has('Started')) lines.push("import type { Started } from '../started.ts';");
    if (this.#used.has('Performable')) lines.push("import type { Performable } from './promise.ts';");
    if (this.#used.has('OutputProcess')) lines.push("import type { OutputProcess } from './child-process.ts';");
    return lines;
  }
}

function specifier(line: string): string {
  return /'(.*)'/.exec(line)![1]!;
}

/** The functions of a block by name, in the order of their first overloads. */
function groups(block: ts.ModuleBlock): Map<string, Callable[]> {
  const found = new Map<string, Callable[]>();
  for (const statement of block.statements) {
    if (ts.isFunctionDeclaration(statement) && statement.name!.text !== '__promisify__') {
      add(found, statement.name!.text, statement);
    }
  }
  return found;
}

function add<T>(map: Map<string, T[]>, name: string, item: T): void {
  const items = map.get(name);
  if (items === undefined) map.set(name, [item]);
  else items.push(item);
}

/** Types for which the compiler takes no function. */
const plain = ['BufferEncoding', 'Mode', 'OpenMode', 'PathLike', 'TimeLike'];

/** Whether a call of `form`, with its callback, could be taken for one of `other` without a callback. */
function mistakable(form: Callable, other: Callable): boolean {
  const position = form.parameters.length - 1;
  const parameters = other.parameters.slice(0, -1);
  const type = parameters[position]?.type;
  return type !== undefined && !isPlain(type) && parameters.slice(position + 1).every((next) => next.questionToken);
}

function isPlain(type: ts.TypeNode): boolean {
  if (ts.isUnionTypeNode(type)) return type.types.every(isPlain);
  if (ts.isTypeReferenceNode(type)) return plain.includes(type.typeName.getText());
  return ts.isLiteralTypeNode(type) || !/[^a-z]/.test(type.getText());
}

/** An overload as it is; or `strict`, so that only a function is taken for its callback. */
function signature(form: Callable, strict = false): string {
  const parameters = form.parameters.map((parameter, index) => {
    const text = print(parameter);
    if (!strict) return text;
    // What must be given can't follow what may be left out.
    if (index < form.parameters.length - 1) return text.replace(/^(\w+)\?: (.*)$/, '$1: $2 | undefined');
    return text.replace(/^(\w+)\?:/, '$1:').replace(/\) => void\)(?: \| (?:undefined|null))+$/, ') => void)');
  });
  return `${form.name!.getText()}${typeParameters(form)}(${parameters.join(', ')}): ${print(form.type!)}`;
}

function typeParameters(form: Callable): string {
  return form.typeParameters === undefined ? '' : `<${form.typeParameters.map((node) => print(node)).join(', ')}>`;
}

const printer = ts.createPrinter({ removeComments: true });

/** The text of a node in one line. */
function print(node: ts.Node): string {
  return printer
    .printNode(ts.EmitHint.Unspecified, node, node.getSourceFile())
    .replace(/\s+/g, ' ')
    .replace(/([{(]) \| /g, '$1')
    .replace(/: \| /g, ': ')
    .replace(/; \}/g, ' }')
    .replace(/\( /g, '(')
    .replace(/,? \)/g, ')')
    .replaceAll('"', "'");
}

if (process.argv[1] === import.meta.filename) {
  for (const [path, text] of generateTypes()) writeFileSync(path, text);
}

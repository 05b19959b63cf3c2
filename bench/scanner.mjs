// node bench/scanner.mjs      Compares the scanner of genlet/monkey/sync with a parser, acorn: for each call of a corpus of packages,
// which function's body it stands in. Ends with 1 if there is a difference.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { benchFolder, cacheFolder, projectFolder } from './harness/folders.mjs';
import { buildGenlet, installPeers } from './harness/setup.mjs';

const fewest = 500_000;
const corpus = {
  '@babel/core': '7.28.5',
  d3: '7.9.0',
  eslint: '9.39.1',
  express: '5.1.0',
  jquery: '3.7.1',
  lodash: '4.17.21',
  moment: '2.30.1',
  prettier: '3.6.2',
  'react-dom': '19.2.0',
  rxjs: '7.8.2',
  three: '0.181.1',
  typescript: '5.9.3',
  webpack: '5.102.1',
};

buildGenlet();
installPeers();
const { parse } = await import('acorn');
const { scan } = await import(pathToFileURL(join(projectFolder, 'dist/io/monkey/sync-scan.js')));

let files = 0;
let calls = 0;
let differences = 0;
for (const file of sources(installCorpus(), join(benchFolder, 'node_modules'), join(projectFolder, 'node_modules'))) {
  const source = readFileSync(file, 'utf8');
  const expected = parsedCalls(source);
  if (expected === undefined) continue; // not JavaScript by itself
  files++;
  calls += expected.size;
  for (const difference of compare(expected, scan(source))) {
    differences++;
    console.log(`${file}:${source.slice(0, difference.end).split('\n').length}: ${difference.text}`);
  }
}
console.log(`${calls} calls in ${files} files, ${differences} differences`);
if (calls < fewest) console.log(`the corpus has fewer than ${fewest} calls`);
process.exitCode = differences > 0 || calls < fewest ? 1 : 0;

function installCorpus() {
  const folder = join(cacheFolder, 'corpus');
  if (!existsSync(join(folder, 'node_modules'))) {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, dependencies: corpus }));
    const args = ['install', '--ignore-scripts', '--legacy-peer-deps', '--no-audit', '--no-fund', '--loglevel=error'];
    const { status } = spawnSync('npm', args, { cwd: folder, stdio: ['ignore', 2, 2] });
    if (status !== 0) throw new Error(`npm install failed in ${folder}`);
  }
  return join(folder, 'node_modules');
}

function* sources(...folders) {
  for (const folder of folders) {
    for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
      if (entry.isFile() && /\.[cm]?js$/.test(entry.name)) yield join(entry.parentPath, entry.name);
    }
  }
}

/** Where each call ends, and where the body it stands in begins; `undefined` for what stands in parameters or fields. */
function parsedCalls(source) {
  const tree = parsed(source, 'module') ?? parsed(source, 'script');
  if (tree === undefined) return undefined;
  const found = new Map();
  visit(tree, '0');
  return found;

  function visit(node, scope) {
    if (typeof node?.type !== 'string') return;
    if (node.type === 'CallExpression') found.set(node.end, scope);
    if (node.type === 'ArrowFunctionExpression') {
      for (const parameter of node.params) visit(parameter, 'dropped');
      visit(node.body, scope === 'dropped' ? scope : String(node.body.start));
    } else if (node.type === 'FunctionDeclaration' || node.type === 'FunctionExpression') {
      const star = node.generator && !node.async ? '*' : '';
      for (const parameter of node.params) visit(parameter, scope === 'dropped' ? scope : 'outside');
      visit(node.body, scope === 'dropped' ? scope : `${node.body.start}${star}`);
    } else visitChildren(node, node.type === 'ClassBody' && scope !== 'dropped' ? 'outside' : scope);
  }

  function visitChildren(node, scope) {
    for (const child of Object.values(node)) {
      if (Array.isArray(child)) for (const one of child) visit(one, scope);
      else if (child !== null && typeof child === 'object') visit(child, scope);
    }
  }
}

function parsed(source, sourceType) {
  const options = {
    ecmaVersion: 'latest',
    allowHashBang: true,
    allowReturnOutsideFunction: true,
    preserveParens: true,
  };
  try {
    return parse(source, { ...options, sourceType });
  } catch {
    return undefined;
  }
}

function* compare(expected, calls) {
  const got = new Map(calls.map(({ end, scope }) => [end, `${scope.start}${scope.isGenerator ? '*' : ''}`]));
  for (const [end, scope] of expected) {
    const found = got.get(end);
    if (scope === 'dropped') continue;
    const isRight = scope === 'outside' ? found !== undefined && !found.endsWith('*') : found === scope;
    if (!isRight) yield { end, text: `expected body ${scope}, got ${found}` };
  }
  for (const end of got.keys()) if (!expected.has(end)) yield { end, text: 'there is no call' };
}

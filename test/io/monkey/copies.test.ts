import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Installed, installGenlet } from './installed.ts';

let copies: Installed[];

beforeAll(() => {
  copies = [installGenlet(), installGenlet()];
}, 60_000);
afterAll(() => {
  for (const copy of copies) copy.remove();
});

/** Runs a program that has two copies of genlet, `one` and `two`, each with `genlet` and `genlet/monkey`. */
function runWithCopies(body: string): unknown {
  const imports = copies.map(({ folder }, i) => {
    const home = JSON.stringify(`${folder}/node_modules/genlet/dist/`);
    const name = ['one', 'two'][i];
    return `const ${name} = { ...await import(${home} + 'index.js'), ...await import(${home} + 'io/monkey/index.js') };`;
  });
  const program = `
    import fs, { readFile } from 'node:fs';
    import net from 'node:net';
    const result = {};
    ${imports.join('\n')}
    ${body}
    console.log(JSON.stringify(result));
  `;
  const { status, stdout, stderr } = copies[0]!.node('--input-type=module', '--eval', program);
  expect([status, stderr]).toEqual([0, '']);
  return JSON.parse(stdout);
}

it('two copies share the wrappers, each for its own greenlets', () => {
  const result = runWithCopies(`
    fs.writeFileSync('text', 'text');
    const original = fs.readFile;
    one.patchAll();
    const wrapper = fs.readFile;
    two.patchAll();
    result.shared = fs.readFile === wrapper && readFile === wrapper;
    result.started = [];
    for (const copy of [one, two]) {
      await copy.run(function* () {
        const started = readFile('text', 'utf8');
        result.started.push([started instanceof one.Started, started instanceof two.Started, yield* started]);
        yield* setTimeout(1);
        const server = yield* net.createServer().listen(0);
        const client = yield* net.connect(server.address().port);
        const peer = yield* server.accept();
        yield* client.sendall('x');
        result.started.push([yield* Promise.resolve(1), String(yield* peer.recv())]);
        client.destroy();
        peer.destroy();
        yield* server.close();
      });
    }
    result.getOriginal = [one, two].every((copy) => copy.getOriginal('fs', 'readFile') === original);
  `);
  expect(result).toEqual({
    shared: true,
    started: [
      [true, false, 'text'],
      [1, 'x'],
      [false, true, 'text'],
      [1, 'x'],
    ],
    getOriginal: true,
  });
});

it.each(['one.unpatchAll(); two', 'two.unpatchAll(); one'])('the last one to unpatch restores: %s', (order) => {
  const [first, last] = order.split('; ');
  const result = runWithCopies(`
    const original = fs.readFile;
    const iterator = () => Object.getOwnPropertyDescriptor(Promise.prototype, Symbol.iterator);
    one.patchAll();
    two.patchAll();
    const wrapper = fs.readFile;
    ${first};
    result.between = [fs.readFile === wrapper, iterator() !== undefined, one.isPatched('fs'), two.isPatched('fs')];
    await ${last}.run(function* () {
      fs.writeFileSync('text', 'text');
      result.text = yield* fs.readFile('text', 'utf8');
    });
    ${last}.unpatchAll();
    result.after = [fs.readFile === original, readFile === original, iterator() === undefined];
  `);
  const isOne = last === 'one';
  expect(result).toEqual({ between: [true, true, isOne, !isOne], text: 'text', after: [true, true, true] });
});

it('the report names both', () => {
  const result = runWithCopies(`
    one.patchTimers();
    two.patchFs();
    two.patchTimers();
    result.lines = two.formatReport().split('\\n').map((line) => line.slice(0, 60));
  `) as { lines: string[] };
  const headings = result.lines.filter((line) => !line.startsWith(' ') && line !== '');
  expect(headings).toHaveLength(2);
  expect(result.lines.filter((line) => line.startsWith('  timers:'))).toEqual([
    '  timers: setImmediate, setInterval, setTimeout',
    '  timers: setImmediate, setInterval, setTimeout',
  ]);
});

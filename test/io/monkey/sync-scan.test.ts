import { describe, expect, it } from 'vitest';
import { scan } from '../../../src/io/monkey/sync-scan.ts';

/** The callees that stand directly in the body of a generator function; `?` for one that is more than names. */
function found(source: string): string[] {
  return scan(source)
    .filter(({ scope }) => scope.isGenerator)
    .map(({ start, open }) => (start < 0 ? '?' : source.slice(start, open).trim()));
}

describe('the scanner', () => {
  it.each([
    ['function* f() { a(); }', ['a']],
    ['const f = function* () { a.b.c(d()); };', ['a.b.c', 'd']],
    ['const o = { *f() { a() }, g() { b() }, h: function* () { c() }, async *i() { d() } }', ['a', 'c']],
    ['class A { *f() { a() } static *[Symbol.iterator]() { b() } async *g() { c() } get h() { d() } }', ['a', 'b']],
    ['function f() { a() } async function* g() { b() }', []],
    ['(function* () { a(); })', ['a']],
    ['export default function* () { a() }', ['a']],
    ['export default { *f() { a() } }', ['a']],
  ])('knows the bodies of generator functions: %s', (source, calls) => {
    expect(found(source)).toEqual(calls);
  });

  it.each([
    ['() => a()', 'an arrow function'],
    ['(x = a()) => x', 'the parameters of one'],
    ['async (x = a()) => { a() }', 'those of an async one'],
    ['x => ({ y: a() })', 'an object of one'],
    ['function () { a() }', 'a function'],
    ['function (x = a()) {}', 'its parameters'],
    ['class { x = a(); static { a() } static y = [a()] }', 'the fields of a class'],
    ['class { m(x = a()) { a() } }', 'its methods'],
    ['{ m() { a() }, get n() { return a() } }', 'the methods of an object'],
  ])('leaves out %s, being %s', (inner) => {
    expect(found(`function* f() { const x = ${inner}; b() }`)).toEqual(['b']);
  });

  it('leaves out what the parameters of the generator function call', () => {
    expect(found('function* f(x = a(), { y = b() } = {}) { c() }')).toEqual(['c']);
  });

  it.each([
    ['if (x) /a(/.test(y); b()', ['?', 'b']],
    ['x = y / a(z) / 2', ['a']],
    ['x = {} / a(z) / 2', ['a']],
    ['return /[/(]/.exec(x)', ['?']],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is JavaScript in a string
    ['const s = "a(" + \'b(\' + `c( ${d(`${e()}`)} f(`; g()', ['d', 'e', 'g']],
    ['/* a( */ b() // c(', ['b']],
    ['x++ / a() / 1', ['a']],
  ])('tells what is no code: %s', (body, calls) => {
    expect(found(`function* f() { ${body}\n }`)).toEqual(calls);
  });

  it.each([
    ['new A(b())', ['b']],
    ['new a.B(c)', []],
    ['new A().b()', ['?']],
    ['new class extends B { }(); new function () {}()', []],
    ['(class { })(a())', ['?', 'a']],
    ['a?.b()', ['?']],
    ['a?.(b)', ['?']],
    ['a()()', ['a', '?']],
    ['a[b()].c()', ['b', 'a[b()].c']],
    ['super.a(b)', ['?']],
    ['this.a()', ['this.a']],
    ['this.#a()', ['this.#a']],
    ['import("x")', []],
    ['a`b`', []],
  ])('tells how it is called: %s', (body, calls) => {
    expect(found(`const o = { *f() { ${body} } }`)).toEqual(calls);
  });

  it('sees where the end of a line ends a statement, and so an arrow function', () => {
    const source = 'function* f() {\n const x = y => y\n a()\n b\n (c)\n}';
    const calls = scan(source).filter(({ scope }) => scope.isGenerator);
    expect(calls.map(({ start, onNewLine }) => [source[start], onNewLine])).toEqual([
      ['a', true],
      ['b', true],
    ]);
  });

  it('knows an iterator by a yield without a star', () => {
    const scopes = ['yield a()', 'yield* a()', 'const b = yield\n* a()', 'x => yield; yield* a()'].map(
      (body) => scan(`function* f() { ${body} }`)[0]!.scope.yields,
    );
    expect(scopes).toEqual([true, false, true, false]);
  });

  it('survives what is no JavaScript', () => {
    for (const source of ['}', '))', '`${', '"abc', '/abc', 'function* (', '@#%', '\\u{110000}', 'a(b']) {
      expect(() => scan(source)).not.toThrow();
    }
  });
});

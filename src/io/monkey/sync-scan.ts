/**
 * Finds the calls that stand directly in the body of a generator function.
 *
 * It reads tokens and makes no syntax tree, so that nothing has to be installed for it. All that it has to know is which
 * function a place belongs to; for that it tells the kinds of brackets apart, regular expressions from divisions, and
 * where the end of a line ends a statement. A test compares it with a parser, call by call, over whole trees of packages.
 */

/** A function, or what else has a scope of its own: a program, the fields of a class, a list of parameters. @internal */
export interface Scope {
  /** Where its code begins. */
  readonly start: number;
  readonly isGenerator: boolean;
  /** Whether a generator function is around it. */
  readonly isWithin: boolean;
  /** Whether there is a `yield` without a star: it is an iterator then, and no coroutine. */
  yields: boolean;
}

/** A call. All positions are indices into the source. @internal */
export interface FoundCall {
  readonly scope: Scope;
  /** Where the callee begins; -1 if it is more than names and brackets: `a().b`, `a?.b`. */
  readonly start: number;
  /** Where the callee's last name begins; -1 if it ends in brackets. */
  readonly name: number;
  /** Where the opening parenthesis stands. */
  readonly open: number;
  /** Behind the closing parenthesis. */
  end: number;
  /** Whether nothing but the end of a line stands between it and the statement before. */
  readonly onNewLine: boolean;
}

/** What is called, as far as it has been read. */
interface Callee {
  readonly start: number;
  readonly name: number;
  readonly onNewLine: boolean;
  readonly isNew: boolean;
}

/** `head` is the parenthesis behind `if` and the like; `arrow` the body of an arrow function, or of a field, without braces. */
type Kind = 'block' | 'object' | 'class' | 'template' | 'head' | 'parameters' | 'group' | 'index' | 'arrow';

/** What is open at a place. */
interface Level {
  readonly kind: Kind;
  readonly scope: Scope;
  readonly start: number;
  /** Whether what it closes is a value, so that a slash behind it divides. */
  readonly isValue: boolean;
  readonly call?: FoundCall | undefined;
  /** The callee that goes on behind it. */
  readonly callee?: Callee | undefined;
  /** Of parameters: whose. */
  readonly body?: PendingFunction | undefined;
  /** Question marks that have no colon yet. */
  conditionals: number;
  /** In an object: behind a key. */
  inValue: boolean;
  /** In an object or class: a star, or `async`, before the key. */
  star: boolean;
  async: boolean;
  /** A class whose body has not begun. */
  pendingClass: PendingClass | undefined;
}

interface PendingClass {
  readonly isExpression: boolean;
  /** Whether `new` stands before it: the parenthesis behind it is no call then. */
  readonly isNew: boolean;
}

interface PendingFunction extends PendingClass {
  star: boolean;
}

const HEADS = new Set(['if', 'for', 'while', 'with', 'switch', 'catch']);
const OPERATORS = new Set(
  'return typeof instanceof in new delete void throw case do else await extends default'.split(' '),
);
const BEFORE_BLOCK = new Set(['else', 'do', 'try', 'finally', 'catch']);

const SPACE = /[\s\uFEFF]*/y;
const NAME = /#?(?:[\p{ID_Start}$_]|\\u\{?[\da-fA-F]+\}?)(?:[\p{ID_Continue}$\u200c\u200d]|\\u\{?[\da-fA-F]+\}?)*/uy;
const NUMBER = /(?:0[xob][\da-f_]+|(?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:e[+-]?[\d_]+)?)n?/iy;
const STRING = /(['"])(?:(?!\1)[^\\\n\r]|\\(?:\r\n|[\s\S]))*\1/y;
const REGEX = /\/(?:[^\\/[\n\r]|\\.|\[(?:[^\\\]\n\r]|\\.)*\])+\/[\w$]*/y;
const PUNCTUATION = /=>|\.{3}|\?\.(?!\d)|\?\?=?|\+\+|--|[\s\S]/y;
const CHUNK = /(?:[^\\`$]|\\[\s\S]|\$(?!\{))*/y;
const LINE_END = /[\n\r\u2028\u2029]/;

/** All calls but those in the parameters of arrow functions, in the order in which they begin. @internal */
export function scan(source: string): FoundCall[] {
  return new Scanner(source).run();
}

class Scanner {
  readonly #source: string;
  readonly #calls: FoundCall[] = [];
  readonly #levels: Level[];
  #at = 0;
  /** The last token, and where it began. */
  #token = '';
  #tokenStart = 0;
  /** Whether a value ends with the last token. */
  #isValue = false;
  /** Whether a line ended since. */
  #newLine = false;
  /** Whether a statement may begin behind the last token. */
  #mayBegin = true;
  /** As it was before the last token. */
  #couldBegin = true;
  #callee: Callee | undefined;
  /** Behind `function`, before the parameters. */
  #function: PendingFunction | undefined;
  /** Behind parameters, before the body. */
  #body: PendingFunction | undefined;
  /** Where the parenthesis began that was closed last. */
  #closed = 0;

  constructor(source: string) {
    this.#source = source;
    this.#levels = [level('block', { start: 0, isGenerator: false, isWithin: false, yields: false }, 0)];
    if (source.startsWith('#!')) this.#skipLine();
  }

  run(): FoundCall[] {
    for (;;) {
      this.#skipSpace();
      if (this.#at >= this.#source.length) return this.#calls;
      this.#next();
    }
  }

  get #top(): Level {
    return this.#levels.at(-1)!;
  }

  // ---- tokens

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const text = pattern.exec(this.#source)?.[0];
    if (text !== undefined) this.#at += text.length;
    return text;
  }

  #skipLine(): void {
    while (this.#at < this.#source.length && !LINE_END.test(this.#source[this.#at]!)) this.#at++;
  }

  #skipSpace(): void {
    for (;;) {
      const space = this.#match(SPACE)!;
      if (LINE_END.test(space)) this.#newLine = true;
      if (this.#source.startsWith('//', this.#at)) this.#skipLine();
      else if (this.#source.startsWith('/*', this.#at)) {
        const end = this.#source.indexOf('*/', this.#at + 2);
        const comment = this.#source.slice(this.#at, end < 0 ? undefined : end + 2);
        if (LINE_END.test(comment)) this.#newLine = true;
        this.#at += comment.length;
      } else return;
    }
  }

  #next(): void {
    const start = this.#at;
    const first = this.#source[start]!;
    if (this.#token === '=>' && first !== '{') this.#open('arrow', start, { scope: this.#plain(start) });
    if (first === '`') this.#template(start, 1);
    else if (first === '"' || first === "'") this.#literal(start, this.#match(STRING));
    else if (/\d/.test(first) || (first === '.' && /\d/.test(this.#source[start + 1] ?? ''))) {
      this.#literal(start, this.#match(NUMBER));
    } else if (first === '/' && !this.#isValue) this.#literal(start, this.#match(REGEX));
    else {
      const name = this.#match(NAME);
      if (name !== undefined) this.#name(name, start);
      else this.#punctuation(this.#match(PUNCTUATION)!, start);
    }
  }

  /** Ends a token. */
  #done(token: string, start: number, isValue: boolean, mayBegin = false): void {
    this.#token = token;
    this.#tokenStart = start;
    this.#isValue = isValue;
    this.#couldBegin = this.#mayBegin;
    this.#mayBegin = mayBegin;
    this.#newLine = false;
  }

  /** A token that can't go on with the expression before: if that ended with the line, a statement begins here. */
  #begins(): boolean {
    if (!this.#newLine || !this.#isValue) return false;
    while (this.#top.kind === 'arrow') this.#levels.pop();
    this.#isValue = false;
    this.#mayBegin = true;
    return true;
  }

  #literal(start: number, text: string | undefined): void {
    if (text === undefined) this.#at++; // not JavaScript
    this.#begins();
    this.#callee = undefined;
    this.#done('literal', start, true);
  }

  /** Goes on in a template, behind its first sign or that of a closing brace. */
  #template(start: number, skip: number): void {
    this.#at += skip;
    this.#match(CHUNK);
    if (this.#source.startsWith('${', this.#at)) {
      this.#at += 2;
      this.#open('template', start, {});
      this.#done('${', start, false);
      return;
    }
    this.#at++;
    this.#callee = undefined;
    this.#done('literal', start, true);
  }

  #name(name: string, start: number): void {
    if (this.#token === '.' || this.#token === '?.') {
      const callee = this.#token === '.' ? this.#callee : undefined;
      this.#callee = { isNew: this.#callee?.isNew ?? false, onNewLine: false, start: -1, ...callee, name: start };
      this.#done('name', start, true);
    } else if ((name === 'instanceof' || name === 'in') && !isKeyPlace(this.#top)) this.#done(name, start, false);
    else {
      const onNewLine = this.#begins();
      const top = this.#top;
      if (isKeyPlace(top)) {
        if (name === 'async') top.async = true;
        this.#callee = undefined;
        this.#done(name, start, true);
      } else this.#word(name, start, onNewLine);
    }
  }

  /** A name that is not behind a dot, and no key. */
  #word(name: string, start: number, onNewLine: boolean): void {
    const isNew = this.#token === 'new';
    this.#callee = undefined;
    if (name === 'function') {
      const isAsync = this.#token === 'async' && !this.#newLine;
      const isExpression = !(isAsync ? this.#couldBegin : this.#mayBegin);
      this.#function = { star: false, isExpression, isNew };
      this.#done(isAsync ? 'async function' : name, start, false);
    } else if (name === 'class') {
      this.#top.pendingClass = { isExpression: !this.#mayBegin, isNew };
      this.#done(name, start, false);
    } else if (name === 'yield' && this.#top.scope.isGenerator) this.#yield(start);
    else if (HEADS.has(name) || OPERATORS.has(name) || name === 'try' || name === 'finally' || name === 'export') {
      this.#done(
        name,
        start,
        false,
        BEFORE_BLOCK.has(name) || (name === 'default' && this.#token === 'export') || name === 'export',
      );
    } else if (name === 'of' && this.#top.kind === 'head' && this.#isValue) this.#done(name, start, false);
    else {
      const known = name !== 'super' && name !== 'import';
      this.#callee = { start: known ? start : -1, name: known ? start : -1, onNewLine, isNew };
      this.#done(name, start, true, false);
    }
  }

  #yield(start: number): void {
    if (!/^[^\S\n\r]*\*/.test(this.#source.slice(this.#at, this.#at + 100))) this.#top.scope.yields = true;
    this.#done('yield', start, false);
  }

  #punctuation(token: string, start: number): void {
    if (/^[,;)\]}]$/.test(token)) while (this.#top.kind === 'arrow') this.#levels.pop();
    if (token === ':') while (this.#top.kind === 'arrow' && this.#top.conditionals === 0) this.#levels.pop();
    if (token === '(') this.#openParenthesis(start);
    else if (token === '[') this.#openIndex(start);
    else if (token === '{') this.#openBrace(start);
    else if (/^[)\]}]$/.test(token)) this.#close(token, start);
    else this.#operator(token, start);
  }

  #operator(token: string, start: number): void {
    const top = this.#top;
    const isStep = token === '++' || token === '--';
    const isPrefix = (token === '!' && this.#source[this.#at] !== '=') || token === '~';
    if (isStep || isPrefix) this.#begins();
    let mayBegin = token === ';';
    if (token === '=>') this.#dropParameters();
    else if (token === '*') this.#star(top);
    else if (token === '?') top.conditionals++;
    else if (token === ':') mayBegin = this.#colon(top);
    else if (token === '=' || token === '...') top.inValue = true;
    else if (token === '.' && this.#token === 'new') this.#callee = undefined;
    else if (token === ',' || token === ';') {
      Object.assign(top, { star: false, async: false });
      if (token === ',') top.inValue = false;
      else top.pendingClass = undefined;
    }
    this.#done(token, start, isStep && this.#isValue, mayBegin);
    if (token === '=' && top.kind === 'class') this.#open('arrow', start, { scope: this.#plain(start) });
  }

  #star(top: Level): void {
    if (this.#function !== undefined) this.#function.star = this.#token === 'function';
    else if (isKeyPlace(top)) top.star = !top.async;
  }

  /** Tells whether a statement may begin behind it. */
  #colon(top: Level): boolean {
    if (top.conditionals > 0) {
      top.conditionals--;
      return false;
    }
    top.inValue = true;
    return top.kind === 'block';
  }

  // ---- brackets

  #open(kind: Kind, start: number, more: Partial<Level>): void {
    this.#levels.push({ ...level(kind, this.#top.scope, start), ...more });
  }

  /** A scope in which nothing can be suspended. */
  #plain(start: number): Scope {
    const { isGenerator, isWithin } = this.#top.scope;
    return { start, isGenerator: false, isWithin: isGenerator || isWithin, yields: false };
  }

  #openParenthesis(start: number): void {
    const top = this.#top;
    const pending =
      this.#function ?? (isKeyPlace(top) ? { star: top.star, isExpression: false, isNew: false } : undefined);
    if (pending !== undefined) {
      this.#function = undefined;
      Object.assign(top, { star: false, async: false });
      this.#open('parameters', start, { scope: this.#plain(start), body: pending });
    } else if (HEADS.has(this.#token) || (this.#token === 'await' && !this.#isValue && this.#couldBeFor())) {
      this.#open('head', start, {});
    } else if (this.#isValue || this.#token === '?.') this.#openCall(start);
    else this.#open('group', start, { isValue: true, callee: noCallee(this.#token === 'new') });
    this.#done('(', start, false);
    this.#callee = undefined;
  }

  /** `for await (`. */
  #couldBeFor(): boolean {
    return /\bfor\s+$/.test(this.#source.slice(Math.max(0, this.#tokenStart - 20), this.#tokenStart));
  }

  #openCall(start: number): void {
    const { scope } = this.#top;
    const callee = this.#token === '?.' ? noCallee(false) : (this.#callee ?? noCallee(false));
    let call: FoundCall | undefined;
    if (!callee.isNew && this.#token !== 'import') {
      const { start: begin, name, onNewLine } = callee;
      call = { scope, start: begin, name, open: start, end: -1, onNewLine };
      this.#calls.push(call);
    }
    this.#open('group', start, { isValue: true, call });
  }

  #openIndex(start: number): void {
    const callee = this.#isValue && this.#callee !== undefined ? { ...this.#callee, name: -1 } : undefined;
    this.#open('index', start, { isValue: true, callee });
    this.#done('[', start, false);
    this.#callee = undefined;
  }

  #openBrace(start: number): void {
    const top = this.#top;
    const body = this.#body;
    this.#body = undefined;
    if (this.#token === ')' && body !== undefined) {
      this.#open('block', start, {
        scope: { ...this.#plain(start), isGenerator: body.star },
        isValue: body.isExpression,
        callee: noCallee(body.isNew),
      });
    } else if (this.#token === '=>') this.#open('block', start, { scope: this.#plain(start), isValue: true });
    else if (top.pendingClass !== undefined && (this.#isValue || this.#token === 'class')) {
      const { isExpression, isNew } = top.pendingClass;
      this.#open('class', start, { scope: this.#plain(start), isValue: isExpression, callee: noCallee(isNew) });
      top.pendingClass = undefined;
    } else if (top.kind === 'class') this.#open('block', start, { scope: this.#plain(start) });
    else if (
      this.#begins() ||
      (this.#mayBegin && this.#token !== 'default') ||
      (this.#token === 'return' && this.#newLine)
    ) {
      this.#open('block', start, {});
      this.#done('{', start, false, true);
      return;
    } else this.#open('object', start, { isValue: true });
    this.#done('{', start, false, this.#top.kind === 'block');
    this.#callee = undefined;
  }

  #close(token: string, start: number): void {
    const closed = this.#levels.length > 1 ? this.#levels.pop()! : this.#top;
    if (closed.kind === 'template') {
      this.#template(start, 0);
      return;
    }
    if (closed.call !== undefined) closed.call.end = this.#at;
    this.#body = closed.body;
    this.#closed = closed.start;
    const { isValue, kind } = closed;
    this.#callee = closed.callee;
    this.#done(token, start, isValue, !isValue && (kind === 'head' || kind === 'block' || kind === 'class'));
    if (token === '}') Object.assign(this.#top, { star: false, async: false });
  }

  /** What stood in the parenthesis before an arrow belongs to the arrow function. */
  #dropParameters(): void {
    if (this.#token !== ')') return;
    while (this.#calls.length > 0 && this.#calls.at(-1)!.open >= this.#closed) this.#calls.pop();
  }
}

function level(kind: Kind, scope: Scope, start: number): Level {
  return {
    kind,
    scope,
    start,
    isValue: false,
    conditionals: 0,
    inValue: false,
    star: false,
    async: false,
    pendingClass: undefined,
  };
}

function isKeyPlace(top: Level): boolean {
  return top.kind === 'class' || (top.kind === 'object' && !top.inValue);
}

function noCallee(isNew: boolean): Callee {
  return { start: -1, name: -1, onNewLine: false, isNew };
}

/** The command lines of the examples: `--name value`, each with a default, and `--flag`. */
import { basename } from 'node:path';
import { parseArgs } from 'node:util';

/** How the text behind `--name` becomes a value; `read` throws what is wrong with it. */
export interface Option<T> {
  readonly initial: T;
  /** It stands alone, with no text behind it. */
  readonly isFlag?: boolean;
  read(text: string): T;
}

/** What `readOptions` gives. */
export type Values<O extends Record<string, Option<unknown>>> = {
  readonly [K in keyof O]: O[K] extends Option<infer T> ? T : never;
};

export function text(initial: string): Option<string> {
  return { initial, read: (given) => given };
}

export function wholeNumber<I extends number | undefined>(
  initial: I,
  { least = 0, most = Number.MAX_SAFE_INTEGER } = {},
): Option<I | number> {
  const range = most === Number.MAX_SAFE_INTEGER ? `${least} or more` : `from ${least} to ${most}`;
  return {
    initial,
    read(given) {
      const value = /^\d+$/.test(given) ? Number(given) : Number.NaN;
      if (value >= least && value <= most) return value;
      throw new Error(`give a whole number, ${range}`);
    },
  };
}

/** Off, unless it is there. */
export const flag: Option<boolean> = { initial: false, isFlag: true, read: () => true };

/** A place to listen at or to connect to, as `genlet/io` takes it. */
export function address(initial: string): Option<string> {
  return {
    initial,
    read(given) {
      const port = /^(?:(?:\[[^\]]+\]|[^:[\]]*):)?(\d{1,5})$/.exec(given)?.[1];
      if (port !== undefined && Number(port) <= 65_535) return given;
      throw new Error("give 'host:port', '[::1]:port' or a port");
    },
  };
}

/** An address on the web, none by default. */
export const webAddress: Option<URL | undefined> = {
  initial: undefined,
  read(given) {
    if (URL.canParse(given)) {
      const url = new URL(given);
      if (url.protocol === 'http:' || url.protocol === 'https:') return url;
    }
    throw new Error('give an address that begins with http:// or https://');
  },
};

/** Reads the command line. What is wrong with it is said on stderr, and the program ends with code 2. */
export function readOptions<O extends Record<string, Option<unknown>>>(options: O): Values<O> {
  try {
    return parseOptions(options, process.argv.slice(2));
  } catch (error) {
    const names = Object.keys(options).map((name) => `--${name}`);
    const program = basename(process.argv[1] ?? '');
    console.error(`${program}: ${(error as Error).message}\noptions: ${names.join(', ')}`);
    process.exit(2);
  }
}

/** @throws what is wrong with `args` */
export function parseOptions<O extends Record<string, Option<unknown>>>(options: O, args: string[]): Values<O> {
  const known: Record<string, { type: 'string' | 'boolean' }> = {};
  for (const name in options) known[name] = { type: options[name]!.isFlag ? 'boolean' : 'string' };
  const given = parseArgs({ args, options: known }).values;
  const entries = Object.entries(options).map(([name, option]) => {
    const text = given[name];
    if (text === undefined) return [name, option.initial];
    try {
      return [name, option.read(String(text))];
    } catch (error) {
      throw new Error(`--${name} is '${text}': ${(error as Error).message}`);
    }
  });
  return Object.fromEntries(entries);
}

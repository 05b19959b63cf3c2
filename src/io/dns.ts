/** `dns`: names and addresses, by calls that suspend. */
import native, { type LookupAddress, type LookupAllOptions, type LookupOneOptions, type LookupOptions } from 'node:dns';
import { checkInteger, checkOptions } from '../core/check.ts';
import type { Operation } from '../core/operation.ts';
import { DnsCall } from './dns-call.ts';
import { checkName, Resolver } from './resolver.ts';

/** What `dns.lookupService` gives. */
export interface LookupService {
  /** The name of the host, or its address if it has none. */
  readonly hostname: string;
  /** The name of the service, or the port if it has none. */
  readonly service: string;
}

/** The questions that go to DNS servers. */
type QuestionName = Extract<keyof Resolver, `resolve${string}` | 'reverse'>;

/** The error codes and the flags of `lookup`, which are those of Node. */
type ConstantName = Extract<
  { [K in keyof typeof native]: (typeof native)[K] extends string | number ? K : never }[keyof typeof native],
  string
>;

/** What `dns` has. */
export interface Dns extends Pick<Resolver, QuestionName>, Readonly<Pick<typeof native, ConstantName>> {
  /**
   * Asks the system for the address of a name, as most programs do: `/etc/hosts` counts, and whatever else is set up
   * there. A host that is an address is given back. Half of Node's threads may be busy with look-ups, the others are left
   * to files. A killed look-up runs on there, and its answer is dropped. Follows `dns.lookup`.
   *
   * @throws the error of the system, with `code` `ENOTFOUND`, `EAI_AGAIN`, …, and `hostname`
   */
  lookup(hostname: string, family: number): Operation<LookupAddress>;
  /** As above, with options. */
  lookup(hostname: string, options: LookupOneOptions): Operation<LookupAddress>;
  /** As above, all addresses. */
  lookup(hostname: string, options: LookupAllOptions): Operation<LookupAddress[]>;
  /** As above, where it is not known whether `all` is set. */
  lookup(hostname: string, options: LookupOptions): Operation<LookupAddress | LookupAddress[]>;
  /** As above, of whatever family comes first. */
  lookup(hostname: string): Operation<LookupAddress>;
  /**
   * Asks the system for the names of an address and a port. A killed call runs on in a thread, and its answer is dropped.
   * Follows `dns.lookupService`.
   *
   * @throws the error of the system, with `code` `ENOTFOUND`, …
   */
  lookupService(address: string, port: number): Operation<LookupService>;
  /** The servers of all questions but `lookup` and `lookupService`, also of those through `node:dns`. */
  getServers(): string[];
  /**
   * Sets the servers, also for `node:dns`. Queries that are running still go to the old ones, but for those through
   * `node:dns`, which make it throw.
   *
   * @throws {TypeError} one is no IP address, with a port or without
   */
  setServers(servers: readonly string[]): void;
  /** In which order `lookup` gives addresses, also in `node:dns`. */
  getDefaultResultOrder(): ReturnType<typeof native.getDefaultResultOrder>;
  /** Sets in which order `lookup` gives addresses, also in `node:dns`. */
  setDefaultResultOrder(order: Parameters<typeof native.setDefaultResultOrder>[0]): void;
}

function lookup(hostname: string, options?: number | LookupOptions): Operation<any> {
  checkName('hostname', hostname);
  if (typeof options !== 'number') checkOptions(options, 'a family, or { family, hints, all, order }');
  return new DnsCall<unknown>({
    text: `dns.lookup(${hostname})`,
    ask: (callback) => native.lookup(hostname, (options ?? {}) as LookupOptions, callback),
    answer: (found, family) => (Array.isArray(found) ? found : { address: found, family }),
  });
}

function lookupService(address: string, port: number): Operation<LookupService> {
  checkName('address', address);
  checkInteger('port', port, 0);
  return new DnsCall<LookupService>({
    text: `dns.lookupService(${address}, ${port})`,
    ask: (callback) => native.lookupService(address, port, callback),
    answer: (hostname, service) => ({ hostname, service }),
  });
}

let common: Resolver | undefined;

/** The resolver behind the questions; it asks the servers that are set for `node:dns` at the moment. */
function resolver(): Resolver {
  common ??= new Resolver();
  const servers = native.getServers();
  if (String(servers) !== String(common.getServers())) common.setServers(servers);
  return common;
}

const QUESTIONS = Object.getOwnPropertyNames(Resolver.prototype).filter((name) => /^re(solve|verse)/.test(name));

function questions(): Pick<Resolver, QuestionName> {
  const ask = (name: string) => {
    const question = (...args: unknown[]) =>
      (resolver() as unknown as Record<string, (...args: unknown[]) => unknown>)[name]!(...args);
    return [name, Object.defineProperty(question, 'name', { value: name })];
  };
  return Object.fromEntries(QUESTIONS.map(ask));
}

function constants(): Pick<typeof native, ConstantName> {
  const entries = Object.entries(native).filter(([, value]) => typeof value === 'string' || typeof value === 'number');
  return Object.fromEntries(entries) as never;
}

/**
 * The functions of `node:dns/promises` under their names, with the same arguments; the result comes by `yield*`.
 * Follows `node:dns`.
 *
 * Nothing happens before `yield*`; then each call suspends. `lookup` and `lookupService` ask the system; a kill or
 * timeout drops their answer. All others ask DNS servers through a `Resolver` that keeps no answers: a kill or timeout
 * cancels the query, and at most 100 of them run at a time.
 *
 * @example
 * ```ts
 * import { run, withTimeout } from 'genlet';
 * import { dns } from 'genlet/io';
 *
 * await run(function* () {
 *   const { address, family } = yield* withTimeout(2000, () => dns.lookup('127.0.0.1'));
 *   console.log(address, family); // => 127.0.0.1 4
 * });
 * ```
 */
export const dns: Dns = {
  ...constants(),
  ...questions(),
  lookup,
  lookupService,
  getServers: () => native.getServers(),
  setServers: (servers) => native.setServers(servers),
  getDefaultResultOrder: () => native.getDefaultResultOrder(),
  setDefaultResultOrder: (order) => native.setDefaultResultOrder(order),
};

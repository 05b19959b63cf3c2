/**
 * `Resolver`: questions to DNS servers, by c-ares.
 *
 * c-ares can cancel all queries of a channel, not one of them; so each query has a channel of its own while it lasts, and
 * a kill cancels that. To make a channel takes some 0.2 ms and 7 KiB: those that are not in use are kept for the next
 * query. There are as many as ever ran at a time, and each holds a descriptor while it runs: hence the limit.
 */

import type { RecordWithTtl, ResolveOptions, ResolveWithTtlOptions, SoaRecord, SrvRecord } from 'node:dns';
import { type AnyRecord, type CaaRecord, type MxRecord, type NaptrRecord, Resolver as NativeResolver } from 'node:dns';
import { checkInteger, checkOptions, show } from '../core/check.ts';
import { Checkpoint } from '../core/checkpoint.ts';
import { composite } from '../core/dev.ts';
import type { Coroutine, Operation } from '../core/operation.ts';
import { Semaphore } from '../sync/semaphore.ts';
import type { Callback } from './callback-call.ts';
import { DnsCache } from './dns-cache.ts';
import { DnsCall } from './dns-call.ts';

/** Options of `Resolver`. */
export interface ResolverOptions {
  /** The servers to ask, as for `setServers`; those of the system by default. */
  readonly servers?: readonly string[] | undefined;
  /**
   * How long to wait for the answer to the first try, in whole milliseconds; later ones get longer. By
   * default some seconds, as c-ares has it.
   */
  readonly timeout?: number | undefined;
  /** How often each server is asked: 4 times by default. */
  readonly tries?: number | undefined;
  /** How many answers are kept, each until its TTL is over; 0, the default, for none. */
  readonly cacheSize?: number | undefined;
  /** How many queries may run at a time, 100 by default; further ones wait for their turn. */
  readonly concurrency?: number | undefined;
}

/** What `resolver.statistics()` gives. */
export interface ResolverStatistics {
  /** Queries that are running. */
  readonly active: number;
  /** Calls that wait for their turn. */
  readonly waiting: number;
  /** Queries that were begun so far. */
  readonly queries: number;
  /** Calls that were answered from the cache so far. */
  readonly hits: number;
  /** Answers in the cache. */
  readonly cached: number;
}

/** A TLSA record: a certificate that a server is bound to. */
export interface TlsaRecord {
  /** How the certificate is used: 0 to 3. */
  readonly certUsage: number;
  /** 0: the whole certificate is meant, 1: its public key. */
  readonly selector: number;
  /** 0: as it is, 1: its SHA-256, 2: its SHA-512. */
  readonly match: number;
  /** The certificate, the key or the hash. */
  readonly data: ArrayBuffer;
}

/** The functions of Node by the type of record that they ask for. */
const FUNCTIONS = {
  A: 'resolve4',
  AAAA: 'resolve6',
  ANY: 'resolveAny',
  CAA: 'resolveCaa',
  CNAME: 'resolveCname',
  MX: 'resolveMx',
  NAPTR: 'resolveNaptr',
  NS: 'resolveNs',
  PTR: 'resolvePtr',
  SOA: 'resolveSoa',
  SRV: 'resolveSrv',
  TLSA: 'resolveTlsa',
  TXT: 'resolveTxt',
} as const;

type RecordType = keyof typeof FUNCTIONS;
type FunctionName = (typeof FUNCTIONS)[RecordType] | 'reverse';

/** A resolver of Node, which runs one query at a time; some versions lack some functions. */
type Channel = NativeResolver & Partial<Record<FunctionName, (...args: any[]) => void>>;

type LocalAddress = [ipv4: string, ipv6?: string];

const CONCURRENCY = 100;

/**
 * Asks DNS servers, by the c-ares library in Node, not by the system's look-up: `/etc/hosts` counts for `reverse` only,
 * and no thread is occupied. Its calls have the names and types of those of `node:dns/promises`. Follows
 * `dns.promises.Resolver` and gevent's ares resolver.
 *
 * Nothing happens before `yield*`; then each call suspends, unless the cache has the answer. A kill or timeout cancels
 * the query, and no other. At most `concurrency` queries run at a time; calls beyond wait, and begin in their order.
 * The cache holds answers to `resolve4` and `resolve6` only, since only those come with their TTL; and no errors.
 *
 * Every call throws the error of Node, with `code` `ENOTFOUND`, `ENODATA`, `ESERVFAIL`, `ETIMEOUT`, …, and `hostname`;
 * `ECANCELLED` after `cancel()`.
 *
 * @example
 * ```ts
 * import { createSocket } from 'node:dgram';
 * import { fromEvent, run } from 'genlet';
 * import { Resolver } from 'genlet/io';
 *
 * await run(function* () {
 *   const silent = createSocket('udp4').bind(0, '127.0.0.1'); // a server that never answers
 *   yield* fromEvent(silent, 'listening');
 *   const resolver = new Resolver({ servers: [`127.0.0.1:${silent.address().port}`], timeout: 20, tries: 1 });
 *   try {
 *     yield* resolver.resolve4('example.org');
 *   } catch (error) {
 *     console.log((error as Error).message); // => queryA ETIMEOUT example.org
 *   }
 *   silent.close();
 * });
 * ```
 */
export class Resolver {
  readonly #timing: { readonly timeout?: number; readonly tries?: number };
  readonly #places: Semaphore;
  readonly #cacheSize: number;
  #cache: DnsCache;
  readonly #active: Set<Channel> = new Set();
  /** Shows what is set for all channels. */
  #model: Channel;
  /** Channels with the present settings; a query that has begun before a change finds its channel's list gone. */
  #idle: Channel[];
  #servers: readonly string[] | undefined = undefined;
  #local: LocalAddress | undefined = undefined;
  #cancellations = 0;
  #queries = 0;
  #hits = 0;

  /**
   * @throws {RangeError} a number is not a whole one, or too small
   * @throws {TypeError} a server is no IP address, with a port or without
   */
  constructor(options: ResolverOptions = {}) {
    checkOptions(options, '{ servers, timeout, tries, cacheSize, concurrency }');
    const { servers, timeout, tries, cacheSize = 0, concurrency = CONCURRENCY } = options;
    this.#timing = {
      ...(timeout === undefined ? {} : { timeout: checkInteger('timeout', timeout, 1) }),
      ...(tries === undefined ? {} : { tries: checkInteger('tries', tries, 1) }),
    };
    this.#cacheSize = checkInteger('cacheSize', cacheSize, 0);
    this.#cache = new DnsCache(cacheSize);
    this.#places = new Semaphore(checkInteger('concurrency', concurrency, 1));
    this.#model = this.#open(servers, undefined);
    this.#idle = [this.#model];
    this.#servers = servers;
  }

  // ---- settings

  /** The servers that are asked, such as `1.1.1.1` or `127.0.0.1:5353`. */
  getServers(): string[] {
    return this.#model.getServers();
  }

  /**
   * Sets the servers to ask, and empties the cache. Unlike Node's, it may be called at any time: queries that are running
   * still go to the old ones.
   *
   * @throws {TypeError} one is no IP address, with a port or without; nothing is changed
   */
  setServers(servers: readonly string[]): void {
    this.#renew(servers, this.#local);
    this.#cache = new DnsCache(this.#cacheSize);
  }

  /**
   * Sets the local addresses from which queries are sent; those of the system by default. Queries that are running keep
   * theirs.
   *
   * @throws {TypeError} one is no IP address of its kind; nothing is changed
   */
  setLocalAddress(ipv4?: string, ipv6?: string): void {
    this.#renew(this.#servers, ipv6 === undefined ? [ipv4 ?? '0.0.0.0'] : [ipv4 ?? '0.0.0.0', ipv6]);
  }

  #renew(servers: readonly string[] | undefined, local: LocalAddress | undefined): void {
    this.#model = this.#open(servers, local);
    this.#idle = [this.#model];
    this.#servers = servers;
    this.#local = local;
  }

  #open(servers: readonly string[] | undefined, local: LocalAddress | undefined): Channel {
    const channel = new NativeResolver(this.#timing);
    if (servers !== undefined) channel.setServers(servers);
    if (local !== undefined) channel.setLocalAddress(...local);
    return channel as Channel;
  }

  /** Cancels all calls, those too that wait for their turn: they throw an error with `code` `ECANCELLED`. */
  cancel(): void {
    this.#cancellations++;
    for (const channel of this.#active) channel.cancel();
  }

  /** Counters of this moment. */
  statistics(): ResolverStatistics {
    return {
      active: this.#active.size,
      waiting: this.#places.statistics().waiting,
      queries: this.#queries,
      hits: this.#hits,
      cached: this.#cache.size,
    };
  }

  // ---- questions

  /** Asks for the records of one type; for IPv4 addresses unless another one is given. Follows `dns.resolve`. */
  resolve(hostname: string, rrtype?: 'A' | 'AAAA' | 'CNAME' | 'NS' | 'PTR'): Operation<string[]>;
  resolve(hostname: string, rrtype: 'ANY'): Operation<AnyRecord[]>;
  resolve(hostname: string, rrtype: 'CAA'): Operation<CaaRecord[]>;
  resolve(hostname: string, rrtype: 'MX'): Operation<MxRecord[]>;
  resolve(hostname: string, rrtype: 'NAPTR'): Operation<NaptrRecord[]>;
  resolve(hostname: string, rrtype: 'SOA'): Operation<SoaRecord>;
  resolve(hostname: string, rrtype: 'SRV'): Operation<SrvRecord[]>;
  resolve(hostname: string, rrtype: 'TLSA'): Operation<TlsaRecord[]>;
  resolve(hostname: string, rrtype: 'TXT'): Operation<string[][]>;
  resolve(
    hostname: string,
    rrtype: string,
  ): Operation<
    | string[]
    | AnyRecord[]
    | CaaRecord[]
    | MxRecord[]
    | NaptrRecord[]
    | SoaRecord
    | SrvRecord[]
    | TlsaRecord[]
    | string[][]
  >;
  resolve(hostname: string, rrtype = 'A'): Operation<any> {
    if (!Object.hasOwn(FUNCTIONS, rrtype)) {
      throw new TypeError(`rrtype is ${show(rrtype)}: give one of ${Object.keys(FUNCTIONS).join(', ')}`);
    }
    return rrtype === 'A' || rrtype === 'AAAA'
      ? this.#addresses(rrtype, hostname, undefined)
      : this.#records(rrtype as RecordType, hostname);
  }

  /** The IPv4 addresses; with `{ ttl: true }` as `{ address, ttl }`, `ttl` in seconds. Follows `dns.resolve4`. */
  resolve4(hostname: string): Operation<string[]>;
  resolve4(hostname: string, options: ResolveWithTtlOptions): Operation<RecordWithTtl[]>;
  resolve4(hostname: string, options: ResolveOptions): Operation<string[] | RecordWithTtl[]>;
  resolve4(hostname: string, options?: ResolveOptions): Operation<any> {
    return this.#addresses('A', hostname, options);
  }

  /** The IPv6 addresses; with `{ ttl: true }` as `{ address, ttl }`, `ttl` in seconds. Follows `dns.resolve6`. */
  resolve6(hostname: string): Operation<string[]>;
  resolve6(hostname: string, options: ResolveWithTtlOptions): Operation<RecordWithTtl[]>;
  resolve6(hostname: string, options: ResolveOptions): Operation<string[] | RecordWithTtl[]>;
  resolve6(hostname: string, options?: ResolveOptions): Operation<any> {
    return this.#addresses('AAAA', hostname, options);
  }

  /** All records that the server is willing to show, often none. Follows `dns.resolveAny`. */
  resolveAny(hostname: string): Operation<AnyRecord[]> {
    return this.#records('ANY', hostname);
  }

  /** Which authorities may sign certificates. Follows `dns.resolveCaa`. */
  resolveCaa(hostname: string): Operation<CaaRecord[]> {
    return this.#records('CAA', hostname);
  }

  /** What the name is an alias of. Follows `dns.resolveCname`. */
  resolveCname(hostname: string): Operation<string[]> {
    return this.#records('CNAME', hostname);
  }

  /** The mail servers. Follows `dns.resolveMx`. */
  resolveMx(hostname: string): Operation<MxRecord[]> {
    return this.#records('MX', hostname);
  }

  /** The rules for rewriting the name. Follows `dns.resolveNaptr`. */
  resolveNaptr(hostname: string): Operation<NaptrRecord[]> {
    return this.#records('NAPTR', hostname);
  }

  /** The name servers. Follows `dns.resolveNs`. */
  resolveNs(hostname: string): Operation<string[]> {
    return this.#records('NS', hostname);
  }

  /** The pointers of a name such as `1.0.0.127.in-addr.arpa`. Follows `dns.resolvePtr`. */
  resolvePtr(hostname: string): Operation<string[]> {
    return this.#records('PTR', hostname);
  }

  /** The start of authority. Follows `dns.resolveSoa`. */
  resolveSoa(hostname: string): Operation<SoaRecord> {
    return this.#records('SOA', hostname);
  }

  /** The places of a service such as `_imap._tcp.example.org`. Follows `dns.resolveSrv`. */
  resolveSrv(hostname: string): Operation<SrvRecord[]> {
    return this.#records('SRV', hostname);
  }

  /**
   * The certificates of a service such as `_443._tcp.example.org`. Follows `dns.resolveTlsa`.
   *
   * @throws {TypeError} this version of Node lacks it
   */
  resolveTlsa(hostname: string): Operation<TlsaRecord[]> {
    return this.#records('TLSA', hostname);
  }

  /** The texts, each in the pieces in which it is stored. Follows `dns.resolveTxt`. */
  resolveTxt(hostname: string): Operation<string[][]> {
    return this.#records('TXT', hostname);
  }

  /**
   * The names of an IP address; also from `/etc/hosts`. Follows `dns.reverse`.
   *
   * @throws an error with `code` `EINVAL` if it is no IP address
   */
  reverse(ip: string): Operation<string[]> {
    checkName('ip', ip);
    return composite(
      'Resolver.reverse()',
      this.#inTurn('reverse', ip, () => this.#send<string[]>('reverse', [ip])),
    );
  }

  // ---- queries

  #records<T>(rrtype: RecordType, hostname: string): Operation<T> {
    checkName('hostname', hostname);
    const name = FUNCTIONS[rrtype];
    if (this.#model[name] === undefined) {
      throw new TypeError(`rrtype is ${show(rrtype)}: Node ${process.versions.node} can't ask for it`);
    }
    return composite(
      `Resolver.${name}()`,
      this.#inTurn(name, hostname, () => this.#send<T>(name, [hostname])),
    );
  }

  #addresses(rrtype: 'A' | 'AAAA', hostname: string, options: ResolveOptions | undefined): Operation<any> {
    checkName('hostname', hostname);
    checkOptions(options, '{ ttl: true }');
    const name = FUNCTIONS[rrtype];
    return composite(`Resolver.${name}()`, this.#findAddresses(name, hostname, options?.ttl === true));
  }

  *#findAddresses(name: FunctionName, hostname: string, withTtl: boolean): Coroutine<unknown> {
    const cache = this.#cache; // a change of the servers replaces it
    const key = `${name} ${hostname.toLowerCase()}`;
    let records = this.#recall(cache, key);
    if (records !== undefined) yield* new Checkpoint(`Resolver.${name}()`);
    else records = yield* this.#inTurn(name, hostname, () => this.#askForAddresses(name, hostname, cache, key));
    return withTtl ? records : records.map(({ address }) => address);
  }

  *#askForAddresses(name: FunctionName, hostname: string, cache: DnsCache, key: string): Coroutine<RecordWithTtl[]> {
    const known = this.#recall(cache, key); // somebody else may have asked meanwhile
    if (known !== undefined) return known;
    const records = yield* this.#send<RecordWithTtl[]>(name, [hostname, { ttl: true }]);
    cache.set(key, records);
    return records;
  }

  #recall(cache: DnsCache, key: string): RecordWithTtl[] | undefined {
    const records = cache.get(key);
    if (records !== undefined) this.#hits++;
    return records;
  }

  /** `cancel()` ends all queries, so that whoever waits has its turn soon, and is told so then. */
  *#inTurn<T>(name: FunctionName, subject: string, ask: () => Coroutine<T>): Coroutine<T> {
    const cancellations = this.#cancellations;
    yield* this.#places.acquire();
    try {
      if (this.#cancellations !== cancellations) throw cancelled(name, subject);
      return yield* ask();
    } finally {
      this.#places.release();
    }
  }

  *#send<T>(name: FunctionName, args: readonly [subject: string, options?: ResolveOptions]): Coroutine<T> {
    const idle = this.#idle;
    const channel = idle.pop() ?? this.#open(this.#servers, this.#local);
    this.#active.add(channel);
    this.#queries++;
    try {
      return yield* new DnsCall<T>({
        text: `Resolver.${name}(${args[0]})`,
        ask: (callback: Callback) => channel[name]!(...args, callback),
        stop: () => channel.cancel(),
        answer: (value) => value,
      });
    } finally {
      this.#active.delete(channel);
      idle.push(channel);
    }
  }
}

/** @internal */
export function checkName(name: string, value: unknown): void {
  if (typeof value !== 'string') throw new TypeError(`${name} is ${show(value)}: give a string`);
}

/** The error of a call that was cancelled before its query had begun, as Node makes it for one that had. */
function cancelled(name: FunctionName, hostname: string): Error {
  const type = Object.entries(FUNCTIONS).find(([, value]) => value === name)?.[0];
  const syscall = type === undefined ? 'getHostByAddr' : `query${type[0]}${type.slice(1).toLowerCase()}`;
  const error = new Error(`${syscall} ECANCELLED ${hostname}`);
  return Object.assign(error, { errno: undefined, code: 'ECANCELLED', syscall, hostname });
}

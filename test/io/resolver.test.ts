import { Resolver as NativeResolver } from 'node:dns';
import { type Coroutine, joinall, run, sleep, spawn, Timeout, withTimeout } from 'genlet';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { Resolver, type ResolverOptions } from '../../src/io/resolver.ts';
import { hub, virtually, watchHub } from '../support/hub.ts';
import {
  A,
  AAAA,
  type Answer,
  characters,
  type DnsServer,
  longs,
  name,
  RCODE,
  serveDns,
  words,
} from './dns-support.ts';
import { eventually, thrown, watchResources } from './support.ts';

watchHub();
watchResources();

const anywhere = () => [A('192.0.2.1', 60)];

/** Runs `main` with a server, and a resolver that asks it. */
function withResolver<T>(
  answer: (type: string, name: string) => Answer,
  main: (resolver: Resolver, server: DnsServer) => Generator<any, T, any>,
  options: ResolverOptions = {},
  drive: (main: () => Generator<any, T, any>) => Promise<T> = run,
): Promise<T> {
  return drive(function* () {
    using server = yield* serveDns(answer);
    return yield* main(new Resolver({ servers: [server.address], timeout: 3000, tries: 2, ...options }), server);
  });
}

/** Waits until so many questions have come to the server, and so many calls wait for their turn. */
function* untilAsked(resolver: Resolver, server: DnsServer, asked: number, waiting: number): Coroutine<void> {
  yield* eventually(() => server.questions.length === asked && resolver.statistics().waiting === waiting);
}

describe('a question', () => {
  it.each([
    ['resolve4', [A('192.0.2.1'), A('192.0.2.2')], ['192.0.2.1', '192.0.2.2']],
    ['resolve6', [AAAA(1)], ['2001:db8::1']],
    ['resolveCname', [{ type: 'CNAME', data: name('real.example') }], ['real.example']],
    [
      'resolveMx',
      [{ type: 'MX', data: Buffer.concat([words(10), name('mail.example')]) }],
      [{ exchange: 'mail.example', priority: 10 }],
    ],
    ['resolveNs', [{ type: 'NS', data: name('ns.example') }], ['ns.example']],
    ['resolvePtr', [{ type: 'PTR', data: name('host.example') }], ['host.example']],
    ['resolveTxt', [{ type: 'TXT', data: Buffer.concat([characters('one'), characters('two')]) }], [['one', 'two']]],
    [
      'resolveSrv',
      [{ type: 'SRV', data: Buffer.concat([words(1, 2, 443), name('web.example')]) }],
      [{ name: 'web.example', port: 443, priority: 1, weight: 2 }],
    ],
    [
      'resolveSoa',
      [{ type: 'SOA', data: Buffer.concat([name('ns.example'), name('root.example'), longs(1, 2, 3, 4, 5)]) }],
      { nsname: 'ns.example', hostmaster: 'root.example', serial: 1, refresh: 2, retry: 3, expire: 4, minttl: 5 },
    ],
    [
      'resolveNaptr',
      [
        {
          type: 'NAPTR',
          data: Buffer.concat([words(1, 2), characters('s'), characters('SIP'), characters(''), name('sip.example')]),
        },
      ],
      [{ flags: 's', service: 'SIP', regexp: '', replacement: 'sip.example', order: 1, preference: 2 }],
    ],
    [
      'resolveCaa',
      [{ type: 'CAA', data: Buffer.concat([Buffer.of(0), characters('issue'), Buffer.from('ca.example')]) }],
      [{ critical: 0, issue: 'ca.example' }],
    ],
    ['resolveAny', [A('192.0.2.1', 7)], [{ type: 'A', address: '192.0.2.1', ttl: 7 }]],
  ] as const)('by %s() gives what Node gives', (method, records, expected) =>
    withResolver(
      () => records,
      function* (resolver, server) {
        const answer = yield* resolver[method]('x.example');
        expect(answer).toMatchObject(expected);
        expect(server.questions).toHaveLength(1);
        const type = server.questions[0]!.split(' ')[0]!;
        expect(yield* resolver.resolve('x.example', type)).toEqual(answer);
        expect(server.questions).toEqual([`${type} x.example`, `${type} x.example`]);
      },
    ),
  );

  it('by resolveTlsa() gives what Node gives, or says that Node lacks it', () =>
    withResolver(
      () => [{ type: 'TLSA', data: Buffer.of(3, 1, 1, 42) }],
      function* (resolver) {
        if ('resolveTlsa' in NativeResolver.prototype) {
          const [record] = yield* resolver.resolveTlsa('_443._tcp.x.example');
          expect(record).toMatchObject({ certUsage: 3, selector: 1, match: 1 });
          expect([...new Uint8Array(record!.data)]).toEqual([42]);
        } else {
          expect(() => resolver.resolveTlsa('x.example')).toThrow(/^rrtype is 'TLSA': Node \d.* can't ask for it$/);
          expect(() => resolver.resolve('x.example', 'TLSA')).toThrow(TypeError);
        }
      },
    ));

  it('by reverse() is about the name of an address', () =>
    withResolver(
      () => [{ type: 'PTR', data: name('host.example') }],
      function* (resolver, server) {
        expect(yield* resolver.reverse('192.0.2.9')).toEqual(['host.example']);
        expect(server.questions).toEqual(['PTR 9.2.0.192.in-addr.arpa']);
        expect((yield* thrown(resolver.reverse('nonsense'))).code).toBe('EINVAL');
        expect(resolver.statistics()).toMatchObject({ active: 0, waiting: 0 });
      },
    ));

  it('by resolve() is about IPv4 addresses by default', () =>
    withResolver(anywhere, function* (resolver, server) {
      expect(yield* resolver.resolve('x.example')).toEqual(['192.0.2.1']);
      expect(server.questions).toEqual(['A x.example']);
    }));

  it('gives the TTL if it is asked for', () =>
    withResolver(
      (type) => (type === 'A' ? [A('192.0.2.1', 60)] : [AAAA(1, 30)]),
      function* (resolver) {
        expect(yield* resolver.resolve4('x.example', { ttl: true })).toEqual([{ address: '192.0.2.1', ttl: 60 }]);
        expect(yield* resolver.resolve6('x.example', { ttl: true })).toEqual([{ address: '2001:db8::1', ttl: 30 }]);
        expect(yield* resolver.resolve4('x.example', { ttl: false })).toEqual(['192.0.2.1']);
      },
    ));

  it('has the types of node:dns/promises', () => {
    const resolver = new Resolver();
    const given = <T>(_: Iterable<any> & { [Symbol.iterator](): Iterator<any, T, any> }): T => undefined as T;
    expectTypeOf(given(resolver.resolve4('a'))).toEqualTypeOf<string[]>();
    expectTypeOf(given(resolver.resolve4('a', { ttl: true }))).toEqualTypeOf<{ address: string; ttl: number }[]>();
    expectTypeOf(given(resolver.resolve('a', 'MX'))).toEqualTypeOf<{ priority: number; exchange: string }[]>();
    expectTypeOf(given(resolver.resolve('a'))).toEqualTypeOf<string[]>();
    expectTypeOf(given(resolver.resolveTxt('a'))).toEqualTypeOf<string[][]>();
  });

  it.each([
    ['ENOTFOUND', { rcode: RCODE.noSuchName }],
    ['ENODATA', []],
    ['ESERVFAIL', { rcode: RCODE.serverFailure }],
    ['EREFUSED', { rcode: RCODE.refused }],
    ['ETIMEOUT', 'silence'],
  ] as const)("that ends in %s throws Node's error, with the stack of the coroutine", (code, answer) =>
    withResolver(
      () => answer,
      function* askInVain(resolver: Resolver) {
        const error = yield* thrown(resolver.resolveMx('x.example'));
        expect(error).toMatchObject({ code, hostname: 'x.example', syscall: 'queryMx' });
        expect(error.message).toBe(`queryMx ${code} x.example`);
        expect(error.stack).toContain('askInVain');
        expect(resolver.statistics()).toMatchObject({ active: 0, waiting: 0, queries: 1 });
      },
      { timeout: 30, tries: 1 },
    ),
  );

  it('is asked as often as it is told to', () =>
    withResolver(
      () => 'silence',
      function* (resolver, server) {
        expect((yield* thrown(resolver.resolve4('x.example'))).code).toBe('ETIMEOUT');
        expect(server.questions).toEqual(Array(3).fill('A x.example'));
      },
      { timeout: 20, tries: 3 },
    ));

  it('is not asked before yield*', () =>
    withResolver(anywhere, function* (resolver, server) {
      const operation = resolver.resolve4('x.example');
      yield* resolver.resolveMx('other.example');
      expect(server.questions).toEqual(['MX other.example']);
      expect(yield* operation).toEqual(['192.0.2.1']);
    }));

  it.each([
    ['a hostname that is no string', () => new Resolver().resolve4(5 as never), 'hostname is 5: give a string'],
    ['an address that is no string', () => new Resolver().reverse(5 as never), 'ip is 5: give a string'],
    ['a strange type', () => new Resolver().resolve('x', 'toString'), /^rrtype is 'toString': give one of A, AAAA, /],
    ['strange options', () => new Resolver().resolve4('x', 5 as never), 'options is 5: give { ttl: true }'],
  ])('with %s fails at the call', (_, call, message) => {
    expect(call).toThrow(TypeError);
    expect(call).toThrow(message);
  });
});

describe('a kill', () => {
  it('cancels its query, and no other', () =>
    withResolver(anywhere, function* (resolver, server) {
      server.holding = true;
      const [one, other] = [
        spawn(() => resolver.resolve4('one.example')),
        spawn(() => resolver.resolve4('other.example')),
      ];
      yield* eventually(() => server.questions.length === 2);
      yield* one.kill();
      expect(one.successful()).toBe(true);
      expect(resolver.statistics()).toMatchObject({ active: 1, waiting: 0 });
      server.release();
      expect(yield* other).toEqual(['192.0.2.1']);
      expect(yield* resolver.resolve4('third.example')).toEqual(['192.0.2.1']);
      expect([resolver.statistics().active, hub.outside]).toEqual([0, 0]);
    }));

  it('ends the query at once: nothing is asked again', () =>
    withResolver(
      () => 'silence',
      function* (resolver, server) {
        const asking = spawn(() => resolver.resolve4('x.example'));
        yield* eventually(() => server.questions.length === 1);
        yield* asking.kill();
        yield* sleep(700); // c-ares asks again after 250 ms or more, whatever it is told
        expect(server.questions).toEqual(['A x.example']);
      },
      { timeout: 20, tries: 4 },
    ));

  it('before the first turn asks nothing', () =>
    withResolver(anywhere, function* (resolver, server) {
      const asking = spawn(function* () {
        asking.kill();
        yield* resolver.resolve4('x.example');
      });
      yield* asking;
      yield* resolver.resolve4('y.example');
      expect(server.questions).toEqual(['A y.example']);
    }));

  it('of one that waits for its turn gives the turn to the next', () =>
    withResolver(
      anywhere,
      function* (resolver, server) {
        server.holding = true;
        const ask = (host: string) => spawn(() => resolver.resolve4(host));
        const [first, second, third] = [ask('1.example'), ask('2.example'), ask('3.example')];
        yield* untilAsked(resolver, server, 1, 2);
        yield* second.kill();
        yield* first.kill();
        server.release();
        expect(yield* third).toEqual(['192.0.2.1']);
        expect(server.questions).toEqual(['A 1.example', 'A 3.example']);
      },
      { concurrency: 1 },
    ));

  it('by a time limit does the same', () =>
    withResolver(
      () => 'silence',
      function* (resolver) {
        expect(yield* thrown(withTimeout(20, () => resolver.resolve4('x.example')))).toBeInstanceOf(Timeout);
        expect(resolver.statistics()).toMatchObject({ active: 0, waiting: 0 });
      },
    ));
});

describe('cancel()', () => {
  it('ends the queries that run and those that wait, and the resolver goes on', () =>
    withResolver(
      anywhere,
      function* (resolver, server) {
        server.holding = true;
        const failed: string[] = [];
        const ask = (host: string) =>
          spawn(function* () {
            const { message, code, syscall, hostname } = yield* thrown(resolver.resolveMx(host));
            failed.push(`${message} (${code} ${syscall} ${hostname})`);
          });
        const asking = ['1.example', '2.example', '3.example', '4.example'].map(ask);
        yield* untilAsked(resolver, server, 2, 2);
        resolver.cancel();
        yield* joinall(asking);
        expect(failed.sort()).toEqual(
          [1, 2, 3, 4].map((n) => `queryMx ECANCELLED ${n}.example (ECANCELLED queryMx ${n}.example)`),
        );
        expect(server.questions.sort()).toEqual(['MX 1.example', 'MX 2.example']);
        server.release();
        expect(yield* resolver.resolve4('5.example')).toEqual(['192.0.2.1']);
      },
      { concurrency: 2 },
    ));

  it('names reverse() as Node does, also while that waits', () =>
    withResolver(
      () => 'silence',
      function* (resolver, server) {
        const ask = () => spawn(() => thrown(resolver.reverse('192.0.2.9')));
        const [running, waiting] = [ask(), ask()];
        yield* untilAsked(resolver, server, 1, 1);
        resolver.cancel();
        const errors = [yield* running, yield* waiting];
        expect(errors.map(({ message, syscall }) => `${message} (${syscall})`)).toEqual(
          Array(2).fill('getHostByAddr ECANCELLED 192.0.2.9 (getHostByAddr)'),
        );
      },
      { concurrency: 1 },
    ));

  it('without queries does nothing', () =>
    withResolver(anywhere, function* (resolver) {
      resolver.cancel();
      expect(yield* resolver.resolve4('x.example')).toEqual(['192.0.2.1']);
    }));
});

describe('concurrency', () => {
  it('is limited', () =>
    withResolver(
      anywhere,
      function* (resolver, server) {
        let most = 0;
        server.answer = () => {
          most = Math.max(most, resolver.statistics().active);
          return anywhere();
        };
        const hosts = Array.from({ length: 30 }, (_, index) => `${index}.example`);
        const asking = yield* joinall(hosts.map((host) => spawn(() => resolver.resolve4(host))));
        expect(asking.every((greenlet) => greenlet.successful())).toBe(true);
        expect(most).toBe(3);
        expect(resolver.statistics()).toMatchObject({ active: 0, waiting: 0, queries: 30 });
      },
      { concurrency: 3 },
    ));

  it('is given in the order of the calls', () =>
    withResolver(
      anywhere,
      function* (resolver, server) {
        const hosts = Array.from({ length: 10 }, (_, index) => `${index}.example`);
        yield* joinall(hosts.map((host) => spawn(() => resolver.resolve4(host))));
        expect(server.questions).toEqual(hosts.map((host) => `A ${host}`));
      },
      { concurrency: 1 },
    ));

  it('is 100 by default', () =>
    withResolver(anywhere, function* (resolver, server) {
      server.holding = true;
      const asking = Array.from({ length: 130 }, () => spawn(() => resolver.resolve4('x.example')));
      yield* untilAsked(resolver, server, 100, 30);
      expect(resolver.statistics()).toMatchObject({ active: 100, waiting: 30 });
      server.release();
      expect(yield* joinall(asking)).toHaveLength(130);
    }));
});

describe('the cache', () => {
  const inVirtualTime = virtually as (main: () => Generator<any, void, any>) => Promise<void>;

  it('keeps an answer until its TTL is over, by the clock of the hub', () =>
    withResolver(
      anywhere,
      function* (resolver, server) {
        const ttl = () => resolver.resolve4('x.example', { ttl: true });
        expect(yield* ttl()).toEqual([{ address: '192.0.2.1', ttl: 60 }]);
        const came = hub.now();
        yield* sleep(29_500);
        expect(yield* ttl()).toEqual([{ address: '192.0.2.1', ttl: Math.ceil(60 - (hub.now() - came) / 1000) }]);
        expect(yield* resolver.resolve('X.Example', 'A')).toEqual(['192.0.2.1']);
        expect(server.questions).toHaveLength(1);
        yield* sleep(60_000 - (hub.now() - came));
        expect(yield* ttl()).toEqual([{ address: '192.0.2.1', ttl: 60 }]);
        expect(server.questions).toHaveLength(2);
        expect(resolver.statistics()).toEqual({ active: 0, waiting: 0, queries: 2, hits: 2, cached: 1 });
      },
      { cacheSize: 10 },
      inVirtualTime,
    ));

  it('keeps an answer as long as the shortest of its TTLs', () =>
    withResolver(
      () => [A('192.0.2.1', 60), A('192.0.2.2', 5)],
      function* (resolver, server) {
        yield* resolver.resolve4('x.example');
        yield* sleep(4000);
        expect(yield* resolver.resolve4('x.example', { ttl: true })).toMatchObject([{ ttl: 56 }, { ttl: 1 }]);
        yield* sleep(1000);
        yield* resolver.resolve4('x.example');
        expect(server.questions).toHaveLength(2);
      },
      { cacheSize: 10 },
      inVirtualTime,
    ));

  it('tells IPv4 and IPv6 apart', () =>
    withResolver(
      (type) => (type === 'A' ? anywhere() : [AAAA(1)]),
      function* (resolver) {
        for (let round = 0; round < 2; round++) {
          expect(yield* resolver.resolve4('x.example')).toEqual(['192.0.2.1']);
          expect(yield* resolver.resolve6('x.example')).toEqual(['2001:db8::1']);
        }
        expect(resolver.statistics()).toMatchObject({ queries: 2, hits: 2, cached: 2 });
      },
      { cacheSize: 10 },
    ));

  it('gives a copy, which its owner may change', () =>
    withResolver(
      anywhere,
      function* (resolver) {
        const first = yield* resolver.resolve4('x.example', { ttl: true });
        first[0]!.address = 'changed';
        first.push({ address: 'added', ttl: 1 });
        const second = yield* resolver.resolve4('x.example', { ttl: true });
        expect(second).toMatchObject([{ address: '192.0.2.1' }]);
        second[0]!.address = 'changed';
        expect(yield* resolver.resolve4('x.example')).toEqual(['192.0.2.1']);
      },
      { cacheSize: 10 },
    ));

  it('forgets the answer that was not asked for longest', () =>
    withResolver(
      anywhere,
      function* (resolver, server) {
        for (const host of ['a', 'b', 'a', 'c', 'a', 'b']) yield* resolver.resolve4(host);
        expect(server.questions).toEqual(['A a', 'A b', 'A c', 'A b']);
        expect(resolver.statistics().cached).toBe(2);
      },
      { cacheSize: 2 },
    ));

  it.each([
    ['a TTL of 0', () => [A('192.0.2.1', 0)], { cacheSize: 10 }],
    ['cacheSize 0', anywhere, { cacheSize: 0 }],
    ['no cacheSize', anywhere, {}],
  ])('keeps nothing with %s', (_, answer, options) =>
    withResolver(
      answer,
      function* (resolver) {
        for (let round = 0; round < 2; round++) expect(yield* resolver.resolve4('x.example')).toEqual(['192.0.2.1']);
        expect(resolver.statistics()).toMatchObject({ queries: 2, hits: 0, cached: 0 });
      },
      options,
    ),
  );

  it('keeps no errors', () =>
    withResolver(
      () => ({ rcode: RCODE.noSuchName }),
      function* (resolver, server) {
        for (let round = 0; round < 2; round++) yield* thrown(resolver.resolve4('x.example'));
        server.answer = anywhere;
        expect(yield* resolver.resolve4('x.example')).toEqual(['192.0.2.1']);
      },
      { cacheSize: 10 },
    ));

  it('answers those who have waited for their turn meanwhile', () =>
    withResolver(
      anywhere,
      function* (resolver, server) {
        const asking = Array.from({ length: 5 }, () => spawn(() => resolver.resolve4('x.example')));
        yield* joinall(asking);
        expect(server.questions).toHaveLength(1);
        expect(resolver.statistics()).toMatchObject({ queries: 1, hits: 4 });
      },
      { cacheSize: 10, concurrency: 1 },
    ));

  it('lets others have their turn', () =>
    withResolver(
      anywhere,
      function* (resolver) {
        let stop = false;
        yield* resolver.resolve4('x.example');
        spawn(() => (stop = true));
        while (!stop) yield* resolver.resolve4('x.example');
      },
      { cacheSize: 1 },
    ));
});

describe('the servers', () => {
  it('can be changed while queries run, which go on', () =>
    withResolver(
      anywhere,
      function* (resolver, old) {
        using server = yield* serveDns(() => [A('192.0.2.2')]);
        old.holding = true;
        const running = spawn(() => resolver.resolve4('x.example'));
        yield* eventually(() => old.questions.length === 1);
        resolver.setServers([server.address]);
        expect(resolver.getServers()).toEqual([server.address]);
        expect(yield* resolver.resolve4('x.example')).toEqual(['192.0.2.2']);
        old.release();
        expect(yield* running).toEqual(['192.0.2.1']);
        for (const host of ['y.example', 'z.example']) {
          const both = yield* joinall([spawn(() => resolver.resolve4(host)), spawn(() => resolver.resolve4(host))]);
          expect(both.map(({ value }) => value)).toEqual([['192.0.2.2'], ['192.0.2.2']]);
        }
        expect(old.questions).toEqual(['A x.example']);
      },
      { cacheSize: 10 },
    ));

  it('that are changed empty the cache', () =>
    withResolver(
      anywhere,
      function* (resolver) {
        using server = yield* serveDns(() => [A('192.0.2.2')]);
        expect(yield* resolver.resolve4('x.example')).toEqual(['192.0.2.1']);
        resolver.setServers([server.address]);
        expect(yield* resolver.resolve4('x.example')).toEqual(['192.0.2.2']);
      },
      { cacheSize: 10 },
    ));

  it('are those of the system by default', () => {
    expect(new Resolver().getServers()).toEqual(new NativeResolver().getServers());
  });

  it('that are wrong change nothing', () =>
    withResolver(anywhere, function* (resolver, server) {
      expect(() => resolver.setServers(['nonsense'])).toThrow(/Invalid IP address: nonsense/);
      expect(resolver.getServers()).toEqual([server.address]);
      expect(yield* resolver.resolve4('x.example')).toEqual(['192.0.2.1']);
    }));
});

describe('the local address', () => {
  it('is what the server sees', () =>
    withResolver(anywhere, function* (resolver, server) {
      resolver.setLocalAddress('127.0.0.5');
      yield* resolver.resolve4('x.example');
      resolver.setLocalAddress('127.0.0.6', '::1');
      yield* resolver.resolve4('x.example');
      resolver.setServers([server.address]);
      yield* resolver.resolve4('x.example');
      expect(server.clients).toEqual(['127.0.0.5', '127.0.0.6', '127.0.0.6']);
      expect(() => resolver.setLocalAddress('nonsense')).toThrow(/Invalid IP address/);
    }));
});

describe('options', () => {
  it.each([
    [{ timeout: 0 }, 'timeout is 0: give a whole number, 1 or more'],
    [{ tries: 1.5 }, 'tries is 1.5: give a whole number, 1 or more'],
    [{ cacheSize: -1 }, 'cacheSize is -1: give a whole number, 0 or more'],
    [{ concurrency: 0 }, 'concurrency is 0: give a whole number, 1 or more'],
    [5 as never, 'options is 5: give { servers, timeout, tries, cacheSize, concurrency }'],
  ])('%o are refused', (options, message) => {
    expect(() => new Resolver(options)).toThrow(message);
  });
});

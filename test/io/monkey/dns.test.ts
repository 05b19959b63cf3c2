import dns, { lookup, Resolver } from 'node:dns';
import { run, spawnNow, withTimeout } from 'genlet';
import { patchDns, unpatchAll } from 'genlet/monkey';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { watchHub } from '../../support/hub.ts';
import { A, AAAA, type DnsServer, type Entry, name, serveDns } from '../dns-support.ts';
import { eventually, watchResources } from '../support.ts';

watchHub();
watchResources();

beforeAll(() => patchDns());
afterAll(unpatchAll);

const records: Record<string, Entry[]> = {
  A: [A('192.0.2.1')],
  AAAA: [AAAA(1)],
  CNAME: [{ type: 'CNAME', data: name('real.example') }],
  NS: [{ type: 'NS', data: name('ns.example') }],
  PTR: [{ type: 'PTR', data: name('host.example') }],
};

function withResolver<T>(main: (resolver: Resolver, server: DnsServer) => Generator<any, T, any>): Promise<T> {
  return run(function* () {
    using server = yield* serveDns((type) => records[type] ?? []);
    const resolver = new Resolver({ timeout: 3000, tries: 1 });
    resolver.setServers([server.address]);
    return yield* main(resolver, server);
  });
}

it('lookup and lookupService give what util.promisify makes of them', async () => {
  await run(function* () {
    expect(yield* dns.lookup('127.0.0.1')).toEqual({ address: '127.0.0.1', family: 4 });
    expect(yield* lookup('127.0.0.1', { all: true })).toEqual([{ address: '127.0.0.1', family: 4 }]);
    expect(yield* dns.lookupService('127.0.0.1', 22)).toEqual({ hostname: expect.any(String), service: 'ssh' });
  });
});

it('a resolver is asked in blocking style', async () => {
  const answers = await withResolver(function* (resolver) {
    return [
      yield* resolver.resolve4('x.example'),
      yield* resolver.resolve4('x.example', { ttl: true }),
      yield* resolver.resolve6('x.example'),
      yield* resolver.resolve('x.example'),
      yield* resolver.resolve('x.example', 'NS'),
      yield* resolver.resolveCname('x.example'),
      yield* resolver.reverse('192.0.2.1'),
    ];
  });
  expect(answers).toEqual([
    ['192.0.2.1'],
    [{ address: '192.0.2.1', ttl: 60 }],
    ['2001:db8::1'],
    ['192.0.2.1'],
    ['ns.example'],
    ['real.example'],
    ['host.example'],
  ]);
});

it('the functions of the module ask the servers that are set later', async () => {
  const servers = dns.getServers();
  try {
    await withResolver(function* (_, server) {
      dns.setServers([server.address]);
      expect(yield* dns.resolve4('x.example')).toEqual(['192.0.2.1']);
      expect(yield* dns.resolve('x.example', 'NS')).toEqual(['ns.example']);
    });
  } finally {
    dns.setServers(servers);
  }
});

it('errors and arguments are those of Node', async () => {
  await withResolver(function* (resolver) {
    try {
      yield* resolver.resolveMx('none.example');
      expect.unreachable();
    } catch (error) {
      expect(error).toMatchObject({ code: 'ENODATA', syscall: 'queryMx', hostname: 'none.example' });
    }
    expect(() => resolver.resolve4(5 as never)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' }));
  });
  expect(() => (lookup as any)('localhost')).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' }));
});

it('with a callback, they are what they were', async () => {
  const got = await run(
    () => new Promise((resolve) => lookup('127.0.0.1', (_, address, family) => resolve([address, family]))),
  );
  expect(got).toEqual(['127.0.0.1', 4]);
});

it('a kill cancels the only query of a resolver', async () => {
  await withResolver(function* (resolver, server) {
    server.holding = true;
    expect(yield* withTimeout(20, () => resolver.resolve4('x.example'), { value: 'late' })).toBe('late');
    let cancelled = 0;
    const { cancel } = resolver;
    resolver.cancel = () => {
      cancelled++;
      cancel.call(resolver);
    };
    const first = spawnNow(() => resolver.resolve4('x.example'));
    const second = spawnNow(() => resolver.resolve4('y.example'));
    yield* first.kill();
    expect(cancelled).toBe(0);
    yield* eventually(() => server.questions.length === 3);
    server.release();
    expect(yield* second).toEqual(['192.0.2.1']);
    server.holding = true;
    const third = spawnNow(() => resolver.resolve4('x.example'));
    yield* third.kill();
    expect(cancelled).toBe(1);
  });
});

it('a kill leaves the queries alone that were made with a callback', async () => {
  await withResolver(function* (resolver, server) {
    server.holding = true;
    const answer = new Promise((resolve) => resolver.resolve4('x.example', (...all) => resolve(all)));
    const waiter = spawnNow(() => resolver.resolve4('y.example'));
    yield* waiter.kill();
    yield* eventually(() => server.questions.length === 2);
    server.release();
    expect(yield* spawnNow(() => answer)).toEqual([null, ['192.0.2.1']]);
  });
});

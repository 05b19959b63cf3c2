import native from 'node:dns';
import promises from 'node:dns/promises';
import { run, sleep, spawn, Timeout, until, withTimeout } from 'genlet';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { dns } from '../../src/io/dns.ts';
import { runProgram } from '../support/child.ts';
import { hub, watchHub } from '../support/hub.ts';
import { A, RCODE, serveDns } from './dns-support.ts';
import { blockLookups, eventually, thrown, untilBlocked, watchResources } from './support.ts';

watchHub();
watchResources();

const usual = native.getServers();
afterEach(() => {
  vi.restoreAllMocks();
  dns.setServers(usual);
});

describe('dns', () => {
  it('has all that node:dns/promises has, but Resolver', () => {
    const missing = Object.keys(promises).filter((name) => !(name in dns));
    expect(missing).toEqual(['Resolver']);
    const constants = Object.entries(native).filter(
      ([, value]) => typeof value !== 'function' && typeof value !== 'object',
    );
    expect(constants.length).toBeGreaterThan(25);
    for (const [name, value] of constants) expect(dns).toHaveProperty(name, value);
    expect([dns.NOTFOUND, dns.ADDRCONFIG, dns.resolve4.name]).toEqual(['ENOTFOUND', native.ADDRCONFIG, 'resolve4']);
  });
});

describe('lookup()', () => {
  it.each([
    ['127.0.0.1', undefined],
    ['127.0.0.1', 4],
    ['localhost', undefined],
    ['localhost', { family: 4 }],
    ['localhost', { all: true }],
    ['localhost', { all: true, family: 4, hints: native.ADDRCONFIG }],
    ['::1', { family: 6 }],
  ] as const)('(%s, %o) gives what Node gives', (host, options) =>
    run(function* () {
      const ours = yield* dns.lookup(host, options as native.LookupOptions);
      expect(ours).toEqual(yield* until(promises.lookup(host, options as native.LookupOptions)));
    }),
  );

  it("throws Node's error, with the stack of the coroutine", () =>
    run(function* lookUpInVain() {
      const error = yield* thrown(dns.lookup('a..b'));
      expect(error).toMatchObject({ syscall: 'getaddrinfo', hostname: 'a..b' });
      expect(['ENOTFOUND', 'EAI_AGAIN']).toContain(error.code);
      expect(error.stack).toContain('lookUpInVain');
    }));

  it('refuses what is no name at the call, and leaves the rest to Node', () =>
    run(function* () {
      expect(() => dns.lookup(5 as never)).toThrow(new TypeError('hostname is 5: give a string'));
      expect(() => dns.lookup('x', 'y' as never)).toThrow(/^options is 'y': give a family, or /);
      expect((yield* thrown(dns.lookup('x', { family: 9 }))).code).toBe('ERR_INVALID_ARG_VALUE');
      expect(hub.outside).toBe(0);
    }));

  it('asks nothing before yield*', () => {
    const asked = vi.spyOn(native, 'lookup');
    const operation = dns.lookup('localhost');
    expect(asked).not.toHaveBeenCalled();
    return run(function* () {
      yield* operation;
      expect(asked).toHaveBeenCalledTimes(1);
    });
  });

  it('takes an answer that comes at once, from what stands in the place of the function of Node', () =>
    run(function* () {
      const answers: unknown[][] = [[null, '192.0.2.1', 4], [new Error('no')]];
      vi.spyOn(native, 'lookup').mockImplementation(((...args: any[]) => args.at(-1)(...answers.shift()!)) as never);
      expect(yield* dns.lookup('x')).toEqual({ address: '192.0.2.1', family: 4 });
      expect((yield* thrown(dns.lookup('x'))).message).toBe('no');
      expect(hub.outside).toBe(0);
    }));

  it('that is killed or out of time drops the answer', () =>
    run(function* () {
      const busy = blockLookups();
      const asking = spawn(() => dns.lookup('localhost'));
      yield* untilBlocked(asking);
      expect(hub.outside).toBe(1);
      yield* asking.kill();
      expect(asking.successful()).toBe(true);
      expect(yield* thrown(withTimeout(1, () => dns.lookup('localhost')))).toBeInstanceOf(Timeout);
      expect(hub.outside).toBe(0);
      yield* until(busy);
      yield* sleep(5);
      expect((yield* dns.lookup('localhost', 4)).address).toBe('127.0.0.1');
    }));
});

describe('lookupService()', () => {
  it('gives what Node gives', () =>
    run(function* () {
      expect(yield* dns.lookupService('127.0.0.1', 22)).toEqual(yield* until(promises.lookupService('127.0.0.1', 22)));
    }));

  it('refuses what is no address, and can be killed', () =>
    run(function* () {
      expect(() => dns.lookupService(5 as never, 22)).toThrow(new TypeError('address is 5: give a string'));
      expect(() => dns.lookupService('127.0.0.1', 'x' as never)).toThrow(RangeError);
      expect((yield* thrown(dns.lookupService('nonsense', 22))).code).toBe('ERR_INVALID_ARG_VALUE');
      const busy = blockLookups();
      const asking = spawn(() => dns.lookupService('127.0.0.1', 22));
      yield* untilBlocked(asking);
      yield* asking.kill();
      expect(hub.outside).toBe(0);
      yield* until(busy);
    }));
});

describe('a question to the servers', () => {
  it('goes to those that are set, here or through node:dns', () =>
    run(function* () {
      using one = yield* serveDns(() => [A('192.0.2.1')]);
      using other = yield* serveDns(() => [A('192.0.2.2')]);
      dns.setServers([one.address]);
      expect([dns.getServers(), native.getServers()]).toEqual([[one.address], [one.address]]);
      expect(yield* dns.resolve4('x.example')).toEqual(['192.0.2.1']);
      native.setServers([other.address]);
      expect(yield* dns.resolve('x.example', 'A')).toEqual(['192.0.2.2']);
      expect(yield* dns.resolve('x.example')).toEqual(['192.0.2.2']);
      expect([one.questions.length, other.questions.length]).toEqual([1, 2]);
    }));

  it('fails with the error of Node', () =>
    run(function* () {
      using server = yield* serveDns(() => ({ rcode: RCODE.noSuchName }));
      dns.setServers([server.address]);
      expect((yield* thrown(dns.resolveMx('x.example'))).code).toBe(dns.NOTFOUND);
      expect((yield* thrown(dns.reverse('192.0.2.1'))).code).toBe(dns.NOTFOUND);
    }));

  it('is cancelled by a kill', () =>
    run(function* () {
      using server = yield* serveDns(() => 'silence');
      dns.setServers([server.address]);
      const asking = spawn(() => dns.resolveTxt('x.example'));
      yield* eventually(() => server.questions.length === 1);
      yield* asking.kill();
      expect(hub.outside).toBe(0);
    }));

  it('that was killed does not keep the process alive', { timeout: 20_000 }, async () => {
    const ended = await runProgram(`
      import { createSocket } from 'node:dgram';
      import { fromEvent, run, withTimeout } from 'genlet';
      import { Resolver } from './src/io/resolver.js';
      const silent = createSocket('udp4');
      await run(function* () {
        silent.bind(0, '127.0.0.1');
        yield* fromEvent(silent, 'listening');
        const servers = ['127.0.0.1:' + silent.address().port];
        const resolver = new Resolver({ servers, timeout: 60_000 });
        console.log(yield* withTimeout(50, () => resolver.resolve4('x.example'), { value: 'late' }));
      });
      silent.close();
      const end = performance.now();
      process.on('exit', () => console.log(performance.now() - end < 2000 ? 'at once' : 'much later'));
    `);
    expect(ended).toMatchObject({ lines: ['late', 'at once'], exit: 0 });
  });
});

describe('the order of results', () => {
  it('is that of node:dns', () => {
    const order = native.getDefaultResultOrder();
    expect(dns.getDefaultResultOrder()).toBe(order);
    dns.setDefaultResultOrder('ipv4first');
    expect(native.getDefaultResultOrder()).toBe('ipv4first');
    dns.setDefaultResultOrder(order);
  });
});

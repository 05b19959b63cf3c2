import { createConnection, Endpoint, listen, StreamServer } from 'genlet/io';
import { describe, expect, it } from 'vitest';
import { parseAddress } from '../../src/io/address.ts';

const shown = (address: any) => `${parseAddress(address)}`;

describe('an address', () => {
  it.each([
    [80, ':80'],
    ['80', ':80'],
    [':8080', ':8080'],
    ['127.0.0.1:80', '127.0.0.1:80'],
    ['localhost:0', 'localhost:0'],
    ['[::1]:80', '[::1]:80'],
    ['[fe80::1%eth0]:80', '[fe80::1%eth0]:80'],
    [{ host: 'localhost', port: 1 }, 'localhost:1'],
    [{ host: '::1', port: 1 }, '[::1]:1'],
    [{ host: undefined, port: 1 }, ':1'],
    [{ port: 65_535 }, ':65535'],
    [['127.0.0.1', 80], '127.0.0.1:80'],
    [['', 80], ':80'],
    [{ path: '/tmp/socket' }, '/tmp/socket'],
    [new Endpoint('::1', 7), '[::1]:7'],
    [new Endpoint('', 0, '/tmp/socket'), '/tmp/socket'],
  ])('%o is %s', (address, expected) => {
    expect(shown(address)).toBe(expected);
  });

  it.each([
    [undefined, 'address is undefined: give a port'],
    [null, 'address is null: give a port'],
    [true, 'address is true: give a port'],
    ['localhost', "address is 'localhost': give a port, 'host:port'"],
    ['localhost:', "address is 'localhost:': give a port"],
    ['localhost:http', "address is 'localhost:http': give a port"],
    [
      '::1:80',
      "address is '::1:80': give a port, 'host:port', '[::1]:port', { host, port }, [host, port] or { path }; an IPv6 host stands in brackets",
    ],
    ['/tmp/socket', "for a Unix socket write { path: '/tmp/socket' }"],
    ['', "address is '': give a port"],
    [{}, 'address is {}: give a port'],
    [{ host: 'x' }, "address is { host: 'x' }: give a port"],
    [{ host: 1, port: 1 }, 'address is { host: 1, port: 1 }: give a port'],
    [{ port: '80' }, "address is { port: '80' }: give a port"],
    [{ path: '' }, "address is { path: '' }: give a port"],
    [{ path: 1 }, 'address is { path: 1 }: give a port'],
    [['x'], "address is [ 'x' ]: give a port"],
    [['x', 1, 2], "address is [ 'x', 1, 2 ]: give a port"],
  ])('%o is none', (address, message) => {
    expect(() => shown(address)).toThrow(TypeError);
    expect(() => shown(address)).toThrow(message);
  });

  it.each([
    [-1, 'address -1 has port -1: give a whole number from 0 to 65535'],
    [1.5, 'address 1.5 has port 1.5'],
    [Number.NaN, 'address NaN has port NaN'],
    ['x:65536', "address 'x:65536' has port 65536"],
    [['x', 70_000], "address [ 'x', 70000 ] has port 70000"],
  ])('%o has no valid port', (address, message) => {
    expect(() => shown(address)).toThrow(RangeError);
    expect(() => shown(address)).toThrow(message);
  });

  it('is checked at the call, before anything happens', () => {
    expect(() => createConnection('x' as never)).toThrow("address is 'x'");
    expect(() => listen('x')).toThrow("address is 'x'");
    expect(() => new StreamServer('x', () => {})).toThrow("address is 'x'");
  });
});

import { describe, expect, it } from 'vitest';
import { address, flag, parseOptions, text, webAddress, wholeNumber } from '../../examples/support/options.ts';

const options = {
  host: text('localhost'),
  port: wholeNumber(undefined, { least: 1, most: 65_535 }),
  pool: wholeNumber(20, { least: 1 }),
  url: webAddress,
  to: address('127.0.0.1:80'),
  tls: flag,
};

describe('parseOptions', () => {
  it('gives the defaults of what is not there', () => {
    expect(parseOptions(options, [])).toEqual({
      host: 'localhost',
      port: undefined,
      pool: 20,
      url: undefined,
      to: '127.0.0.1:80',
      tls: false,
    });
  });

  it('reads both forms, the last one of a name', () => {
    const args = ['--host', 'a', '--port=80', '--pool', '1', '--pool=3', '--url', 'http://a.invalid/b?c'];
    expect(parseOptions(options, args)).toMatchObject({
      host: 'a',
      port: 80,
      pool: 3,
      url: new URL('http://a.invalid/b?c'),
    });
  });

  it('reads flags, wherever they stand', () => {
    expect(parseOptions(options, ['--tls', '--host', 'a'])).toMatchObject({ host: 'a', tls: true });
    expect(parseOptions(options, ['--host', 'a', '--tls'])).toMatchObject({ host: 'a', tls: true });
  });

  it.each(['80', ':80', 'localhost:80', '127.0.0.1:0', '[::1]:65535'])('takes %s for an address', (to) => {
    expect(parseOptions(options, ['--to', to])).toMatchObject({ to });
  });

  it.each([
    [['--port', 'abc'], "--port is 'abc': give a whole number, from 1 to 65535"],
    [['--port', '65536'], "--port is '65536': give a whole number, from 1 to 65535"],
    [['--port', '0'], "--port is '0': give a whole number, from 1 to 65535"],
    [['--port='], "--port is '': give a whole number, from 1 to 65535"],
    [['--pool', '1.5'], "--pool is '1.5': give a whole number, 1 or more"],
    [['--pool=-1'], "--pool is '-1': give a whole number, 1 or more"],
    [['--pool', '99999999999999999999'], "--pool is '99999999999999999999': give a whole number, 1 or more"],
    [['--url', 'example.com'], "--url is 'example.com': give an address that begins with http:// or https://"],
    [['--url', 'ftp://a.invalid'], "--url is 'ftp://a.invalid': give an address"],
    [['--url', 'http://['], "--url is 'http://[': give an address"],
    [['--to', 'localhost'], "--to is 'localhost': give 'host:port', '[::1]:port' or a port"],
    [['--to', '::1:80'], "--to is '::1:80': give 'host:port'"],
    [['--to', 'localhost:65536'], "--to is 'localhost:65536': give 'host:port'"],
    [['--tls=yes'], "Option '--tls' does not take an argument"],
    [['--prot', '80'], "Unknown option '--prot'"],
    [['--port'], "Option '--port <value>' argument missing"],
    [['80'], "Unexpected argument '80'"],
  ])('refuses %j', (args, message) => {
    expect(() => parseOptions(options, args)).toThrow(message);
  });
});

import { describe, expect, it } from 'vitest';
import { parseOptions, text, webAddress, wholeNumber } from '../../examples/support/options.ts';

const options = {
  host: text('localhost'),
  port: wholeNumber(undefined, { least: 1, most: 65_535 }),
  pool: wholeNumber(20, { least: 1 }),
  url: webAddress,
};

describe('parseOptions', () => {
  it('gives the defaults of what is not there', () => {
    expect(parseOptions(options, [])).toEqual({ host: 'localhost', port: undefined, pool: 20, url: undefined });
  });

  it('reads both forms, the last one of a name', () => {
    const args = ['--host', 'a', '--port=80', '--pool', '1', '--pool=3', '--url', 'http://a.invalid/b?c'];
    expect(parseOptions(options, args)).toEqual({
      host: 'a',
      port: 80,
      pool: 3,
      url: new URL('http://a.invalid/b?c'),
    });
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
    [['--prot', '80'], "Unknown option '--prot'"],
    [['--port'], "Option '--port <value>' argument missing"],
    [['80'], "Unexpected argument '80'"],
  ])('refuses %j', (args, message) => {
    expect(() => parseOptions(options, args)).toThrow(message);
  });
});

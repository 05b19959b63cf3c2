// The plain modules of Node in blocking style, and the same calls with callbacks: what comes out is the same.
// Python: gevent.monkey.patch_all(), then open(), time.sleep(), socket.getaddrinfo() and requests.get().
import { exec } from 'node:child_process';
import { lookup } from 'node:dns';
import { readFile } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzip, gzip } from 'node:zlib';
import { type Coroutine, joinall, run, spawn } from 'genlet';
import { patchAll } from 'genlet/monkey';

patchAll();

type Results = Record<string, string>;

const file = new URL(import.meta.url);
const linesOf = (text: string) => `${text.trimEnd().split('\n').length} lines`;

/** Each call reads as if it blocked, and suspends this greenlet only. */
function* byBlocking(url: string): Coroutine<Results> {
  const text = yield* readFile(file, 'utf8');
  const { address } = yield* lookup('localhost', 4);
  const response = yield* fetch(url);
  const body = yield* response.text();
  const packed = yield* gzip(text);
  const unpacked = yield* gunzip(packed);
  const { stdout } = yield* exec('echo some words');
  const began = performance.now();
  yield* setTimeout(20);
  const waited = performance.now() - began >= 19;
  return {
    readFile: linesOf(text),
    lookup: address,
    fetch: body,
    gunzip: linesOf(String(unpacked)),
    exec: stdout.trim(),
    setTimeout: String(waited),
  };
}

/** The same with callbacks. They work as ever, in a greenlet too. */
function byCallbacks(url: string, done: (error: unknown, results?: Results) => void): void {
  readFile(file, 'utf8', (error, text) => {
    if (error) return done(error);
    lookup('localhost', 4, (error, address) => {
      if (error) return done(error);
      http.get(url, { agent: false }, (response) => {
        let body = '';
        response.setEncoding('utf8').on('data', (chunk) => (body += chunk));
        response.on('end', () => {
          gzip(text, (error, packed) => {
            if (error) return done(error);
            gunzip(packed, (error, unpacked) => {
              if (error) return done(error);
              exec('echo some words', (error, stdout) => {
                if (error) return done(error);
                const began = performance.now();
                setTimeout(() => {
                  done(null, {
                    readFile: linesOf(text),
                    lookup: address,
                    fetch: body,
                    gunzip: linesOf(String(unpacked)),
                    exec: stdout.trim(),
                    setTimeout: String(performance.now() - began >= 19),
                  });
                }, 20);
              });
            });
          });
        });
      });
    });
  });
}

await run(function* () {
  const server = yield* http.createServer((_, response) => void response.end('a page')).listen(0, '127.0.0.1');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;

  const blocking = yield* byBlocking(url);
  const callbacks = yield* new Promise<Results>((resolve, reject) => {
    byCallbacks(url, (error, results) => (error ? reject(error) : resolve(results!)));
  });
  for (const [call, result] of Object.entries(blocking)) {
    console.log(
      `${call.padEnd(10)}  ${result}${result === callbacks[call] ? '' : `, but by callback ${callbacks[call]}`}`,
    );
  }

  // Others run meanwhile: ten sleeps of 50 ms take hardly longer than one.
  const began = performance.now();
  yield* joinall(Array.from({ length: 10 }, () => spawn(() => setTimeout(50))));
  console.log(
    performance.now() - began < 400 ? 'ten sleeps took the time of one' : 'the sleeps came one after the other',
  );

  server.closeAllConnections();
  yield* server.close();
});

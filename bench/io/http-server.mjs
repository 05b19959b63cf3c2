// A page of eleven bytes, asked for by wrk over 64 connections. The server is the process of its case, wrk another one.
import { execFile, execFileSync } from 'node:child_process';
import { createServer } from 'node:http';
import { promisify } from 'node:util';
import { python } from '../harness/programs.mjs';
import { byTimeAndCpu } from './measure.mjs';

const page = 'hello world';
const load = ['-t', '1', '-c', '64', '-d'];

/** What `what` a request takes: of the clock, or of the CPU time of this process. */
const served = (what, start) => async () => {
  const { program, port } = { program: wrk(), port: await start() };
  const url = `http://127.0.0.1:${port}/`;
  const ask = async (seconds) => {
    const { stdout } = await promisify(execFile)(program, [...load, `${seconds}s`, url]);
    const [, requests, elapsed, unit] = /(\d+) requests in ([\d.]+)(m?s)/.exec(stdout);
    if (/Non-2xx/.test(stdout)) throw new Error(stdout);
    return { requests: Number(requests), microseconds: Number(elapsed) * (unit === 's' ? 1e6 : 1e3) };
  };
  await ask(1); // warms up
  let figure = Infinity;
  for (let pass = 0; pass < 2; pass++) {
    const before = process.cpuUsage();
    const { requests, microseconds } = await ask(1);
    const { user, system } = process.cpuUsage(before);
    figure = Math.min(figure, (what === 'CPU' ? user + system : microseconds) / requests);
  }
  return figure;
};

function wrk() {
  try {
    return execFileSync('which', ['wrk'], { encoding: 'utf8' }).trim();
  } catch {
    throw new Error('this table needs wrk (on Debian: apt-get install wrk)');
  }
}

async function bare() {
  const server = createServer((_, response) => {
    response.setHeader('Content-Type', 'text/plain; charset=utf-8');
    response.end(page);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server.address().port;
}

const genlet = (handler) => async () => {
  const { run } = await import('../genlet.mjs');
  const { HttpServer } = await import('../../dist/io/index.js');
  const server = new HttpServer('127.0.0.1:0', handler);
  await run(function* () {
    yield* server.start();
  });
  return server.port;
};

function* coroutine() {
  return page;
}

function table(what) {
  return {
    title: `HttpServer, a small page: ${what}`,
    about: 'The best of two seconds of wrk after one of warming up. "genlet" has a coroutine function as its handler.',
    unit: `us of ${what} per request`,
    cases: {
      genlet: served(what, genlet(coroutine)),
      'genlet, plain function': served(
        what,
        genlet(() => page),
      ),
      'node:http': served(what, bare),
      'gevent pywsgi': python('io/peers/pywsgi.py', what),
    },
    base: 'node:http',
    bars: [
      { of: 'genlet', against: 'node:http', atMost: 1.176 },
      { of: 'genlet', against: 'gevent pywsgi', faster: 5 },
    ],
  };
}

export default byTimeAndCpu(table);

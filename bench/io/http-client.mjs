// Many small requests to one server, some at a time. The figure is the CPU time that the client's process used per request;
// the server is a process of its own that answers without looking at what it is asked.
//
// As `node http-client.mjs serve` this file is that server: it prints its port, and ends with its stdin.
import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { python } from '../harness/programs.mjs';

const requests = 20_000;
const thisFile = fileURLToPath(import.meta.url);
const server = [process.execPath, thisFile, 'serve'];

function serve() {
  const body = '{"answer":42}';
  const fields = [
    'content-type: application/json',
    'date: Mon, 01 Jan 2024 00:00:00 GMT',
    `content-length: ${body.length}`,
  ];
  const answer = Buffer.from(`HTTP/1.1 200 OK\r\n${fields.join('\r\n')}\r\nconnection: keep-alive\r\n\r\n${body}`);
  const listener = createServer({ noDelay: true }, (socket) => {
    socket.on('error', () => {});
    socket.on('data', (bytes) => {
      for (let at = -4; (at = bytes.indexOf('\r\n\r\n', at + 4)) >= 0; ) socket.write(answer);
    });
  });
  listener.listen({ port: 0, host: '127.0.0.1', backlog: 2048 }, () => console.log(listener.address().port));
  process.stdin.on('end', () => process.exit()).resume();
}

/** A case: `prepare` gets the origin and gives a function that makes so many requests and gives the sum of the answers. */
const inNode = (prepare, atATime) => async () => {
  const [program, ...args] = server;
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const [port] = await new Promise((resolve) =>
    createInterface({ input: child.stdout }).once('line', (...args) => resolve(args)),
  );
  const ask = await prepare(`http://127.0.0.1:${port}`, atATime);
  let figure = Infinity;
  for (let pass = 0; pass < 4; pass++) {
    const before = process.cpuUsage();
    const sum = await ask(requests);
    const { user, system } = process.cpuUsage(before);
    if (sum !== 42 * requests) throw new Error(`the answers are ${sum} in sum`);
    if (pass > 0) figure = Math.min(figure, (user + system) / requests);
  }
  child.stdin.end();
  return figure;
};

/** Greenlets that make one request after the other. */
async function genletWorkers(origin, atATime) {
  const { joinall, run, spawn } = await import('../genlet.mjs');
  const { http } = await import('../../dist/io/index.js');
  const client = new http.HttpClient({ origin, connections: atATime });
  return (count) =>
    run(function* () {
      let left = count;
      let sum = 0;
      const worker = function* () {
        while (left-- > 0) {
          const response = yield* client.request('/');
          sum += response.json().answer;
        }
      };
      yield* joinall(Array.from({ length: atATime }, () => spawn(worker)));
      return sum;
    });
}

/** A greenlet for each request, from a pool: the nearest to what p-limit does. */
async function genletPool(origin, atATime) {
  const { Pool, run } = await import('../genlet.mjs');
  const { http } = await import('../../dist/io/index.js');
  const client = new http.HttpClient({ origin, connections: atATime });
  return (count) =>
    run(function* () {
      const pool = new Pool(atATime);
      let sum = 0;
      const ask = function* () {
        const response = yield* client.request('/');
        sum += response.json().answer;
      };
      for (let index = 0; index < count; index++) yield* pool.spawn(ask);
      yield* pool.join();
      return sum;
    });
}

/** Async functions, limited by p-limit. */
const promises = (prepare) => async (origin, atATime) => {
  const { default: pLimit } = await import('p-limit');
  const ask = await prepare(origin, atATime);
  return async (count) => {
    const limit = pLimit(atATime);
    let sum = 0;
    const one = async () => {
      const { answer } = await ask();
      sum += answer;
    };
    await Promise.all(Array.from({ length: count }, () => limit(one)));
    return sum;
  };
};

const undiciPool = promises(async (origin, connections) => {
  const { Pool } = await import('undici');
  const pool = new Pool(origin, { connections });
  return async () => {
    const { body } = await pool.request({ path: '/', method: 'GET' });
    return body.json();
  };
});

const builtInFetch = promises(async (origin) => async () => {
  const response = await fetch(`${origin}/`);
  return response.json();
});

const undiciFetch = promises(async (origin, connections) => {
  const { Agent, fetch } = await import('undici');
  const dispatcher = new Agent({ connections });
  return async () => {
    const response = await fetch(`${origin}/`, { dispatcher });
    return response.json();
  };
});

const table = (atATime) => ({
  title: `HTTP client, ${atATime} requests at a time`,
  about: `${requests.toLocaleString('en-US')} small GETs, their answers parsed; the best of three passes after one.`,
  unit: 'us of CPU per request',
  cases: {
    genlet: inNode(genletPool, atATime),
    'genlet, greenlets that go on': inNode(genletWorkers, atATime),
    'undici Pool.request, p-limit': inNode(undiciPool, atATime),
    'undici fetch, p-limit': inNode(undiciFetch, atATime),
    'fetch of Node, p-limit': inNode(builtInFetch, atATime),
    'gevent, http.client': python('io/peers/http_client.py', atATime, requests, ...server),
  },
  bars: [
    { against: 'undici Pool.request, p-limit', faster: 1.2 },
    { against: 'fetch of Node, p-limit', faster: 5 },
    { against: 'gevent, http.client', faster: 3 },
  ],
});

if (process.argv[1] === thisFile && process.argv[2] === 'serve') serve();

export default [table(50), table(100)];

// Ten thousand connections that are open at the same time.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { callbacks, genlet } from '../echo/servers.mjs';
import { python } from '../harness/programs.mjs';

const connections = 10_000;
const messages = 3;
const crowd = [process.execPath, fileURLToPath(new URL('crowd.mjs', import.meta.url)), connections, messages].map(
  String,
);

/** Starts the peers; `next()` gives what they say: that all are open, and that all have got all their answers. */
function gather(port) {
  const [program, ...args] = crowd;
  const child = spawn(program, [...args, String(port)], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async (wanted) => {
    const { value } = await lines.next();
    if (value !== wanted) throw new Error(`the peers say ${value} instead of ${wanted}`);
  };
  return { next, go: () => child.stdin.write('go\n'), leave: () => child.stdin.end() };
}

const settled = async () => {
  for (let round = 0; round < 4; round++) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    globalThis.gc();
  }
};

/** Bytes per connection, of what V8 or the whole process uses. */
function memory(of, start) {
  return async () => {
    const port = await start();
    await settled();
    const before = of();
    const peers = gather(port);
    await peers.next('open');
    await settled();
    const figure = (of() - before) / connections;
    peers.leave();
    return figure;
  };
}

/** Microseconds of CPU time per message, while all send their messages at once and compare the answers. */
function traffic(start) {
  return async () => {
    const peers = gather(await start());
    await peers.next('open');
    const before = process.cpuUsage();
    peers.go();
    await peers.next('answered');
    const { user, system } = process.cpuUsage(before);
    peers.leave();
    return (user + system) / (connections * messages);
  };
}

const heap = () => process.memoryUsage().heapUsed;
const resident = () => process.memoryUsage.rss();

export default [
  {
    title: '10,000 idle connections: heap',
    about: 'Each has echoed once, and is silent since. What V8 holds after collecting garbage.',
    unit: 'bytes per connection',
    nodeFlags: ['--expose-gc'],
    base: 'node:net callbacks',
    cases: { genlet: memory(heap, genlet), 'node:net callbacks': memory(heap, callbacks) },
    bars: [{ of: 'genlet', moreThan: 'node:net callbacks', atMost: 2048 }],
  },
  {
    title: '10,000 idle connections: all memory',
    about: 'The same, by the size of the process.',
    unit: 'bytes per connection',
    nodeFlags: ['--expose-gc'],
    base: 'node:net callbacks',
    cases: {
      genlet: memory(resident, genlet),
      'node:net callbacks': memory(resident, callbacks),
      'gevent StreamServer': python('io/peers/transfer.py', 'idle', connections, ...crowd),
    },
  },
  {
    title: '10,000 connections, all echoing',
    about: `All send at once, ${messages} times; every answer is compared with what was sent.`,
    unit: 'us of CPU per message',
    base: 'node:net callbacks',
    cases: { genlet: traffic(genlet), 'node:net callbacks': traffic(callbacks) },
  },
];

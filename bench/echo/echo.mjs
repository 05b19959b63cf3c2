// Servers that send back what they receive. The figure is the CPU time that the server's process used per message, which other
// programs on the machine disturb much less than throughput. The load comes from a process of its own.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { commandOf, go, python, pythonWith } from '../harness/programs.mjs';
import { callbacks, forAwait, genlet, promiseQueue } from './servers.mjs';

/** Until the compiler is done with the hot functions, whose threads are counted too. */
const warmUp = 900; // ms
const duration = 700;

/** Go where there is one, since it takes less from the server; else Node. */
const { command: load = [process.execPath, fileURLToPath(new URL('load.mjs', import.meta.url))] } = commandOf(
  go('echo/peers', 'load'),
);

/** A case that serves in its own process. */
function inNode(start, shape) {
  return async () => {
    const port = await start();
    const [program, ...args] = [...load, port, ...shape].map(String);
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    let before;
    for await (const line of createInterface({ input: child.stdout })) {
      if (line === 'begin') before = process.cpuUsage();
      else {
        const { user, system } = process.cpuUsage(before);
        return (user + system) / Number(line.split(' ')[1]);
      }
    }
    throw new Error('the load broke off');
  };
}

function table(connections, bytes, bars) {
  const shape = [connections, bytes, warmUp, duration];
  return {
    title: `Echo, ${connections.toLocaleString('en-US')} x ${bytes < 1024 ? `${bytes} B` : `${bytes / 1024} KiB`}`,
    about: `One message of ${bytes} bytes is always under way on each of ${connections} connections.`,
    unit: 'us of CPU per message',
    base: 'node:net callbacks',
    cases: {
      genlet: inNode(genlet, shape),
      'node:net callbacks': inNode(callbacks, shape),
      'for await (of socket)': inNode(forAwait, shape),
      'async, queue of data': inNode(promiseQueue, shape),
      'gevent StreamServer': python('echo/peers/echo.py', ...shape, ...load),
      'uvloop, protocol': pythonWith('uvloop', 'echo/peers/uvloop_echo.py', ...shape, ...load),
      'Go net': go('echo/peers', 'serve', ...shape, ...load),
    },
    bars,
  };
}

const overNode = (atMost) => ({ of: 'genlet', against: 'node:net callbacks', atMost });
const overForAwait = { of: 'genlet', against: 'for await (of socket)', atMost: 0.8 };
const overGevent = { of: 'genlet', against: 'gevent StreamServer', faster: 1.5 };

export default [
  table(1, 64, []),
  table(100, 64, [overNode(1), overForAwait, overGevent]),
  table(1000, 64, [overGevent]),
  table(1, 16_384, []),
  table(100, 16_384, [overNode(0.85), overForAwait]),
  table(1000, 16_384, []),
];

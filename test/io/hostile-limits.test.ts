/** A process that has no descriptors left: every call says so, and all goes on when some are free again. */
import { run } from 'genlet';
import { runProcess } from 'genlet/io';
import { expect, it } from 'vitest';
import { watchHub } from '../support/hub.ts';

watchHub();

const program = `
import { closeSync, openSync } from 'node:fs';
import { getHub, run, sleep } from 'genlet';
import { createConnection, fs, listen, open, Popen, runProcess, socketpair, UdpSocket } from 'genlet/io';

const problems = [];
process.on('warning', (warning) => problems.push(String(warning)));
process.on('unhandledRejection', (error) => problems.push(String(error)));
getHub().onError = (error) => {
  if (error.code !== 'EMFILE') problems.push(String(error)); // a listener tells of those whom it turns away
};

await run(function* () {
  const listener = yield* listen('127.0.0.1:0');
  const folder = yield* fs.mkdtemp('/tmp/genlet-limits-');
  const calls = {
    open: () => open('/etc/passwd'),
    readFile: () => fs.readFile('/etc/passwd'),
    readdir: () => fs.readdir('/'),
    writeFileAtomic: () => fs.writeFileAtomic(folder + '/a.txt', 'x'),
    listen: () => listen('127.0.0.1:0'),
    createConnection: () => createConnection(listener.address),
    socketpair: () => socketpair(),
    bind: function* () {
      const socket = new UdpSocket();
      try {
        yield* socket.bind('127.0.0.1:0');
      } finally {
        socket.close();
      }
    },
    spawn: () => Popen.spawn(['true'], { stdin: 'pipe', stdout: 'pipe' }),
    'spawn, one pipe': () => Popen.spawn(['true'], { stdout: 'pipe', stderr: 'stdout' }),
    runProcess: () => runProcess(['true'], { input: 'x', captureOutput: true }),
  };
  function* attempt(call) {
    try {
      const result = yield* call();
      yield* close(result);
      return 'done';
    } catch (error) {
      return error.code ?? String(error);
    }
  }
  function* close(result) {
    if (result instanceof Popen) {
      yield* result.wait();
      result[Symbol.dispose]();
    } else if (Array.isArray(result)) for (const one of result) one.close?.();
    else if (typeof result?.close === 'function') result.close();
  }
  for (const call of Object.values(calls)) yield* attempt(call); // all is loaded that is needed
  yield* sleep(20);

  for (const spare of [0, 1, 2, 3]) {
    const held = [];
    try {
      for (;;) held.push(openSync('/dev/null', 'r'));
    } catch {}
    for (let i = 0; i < spare; i++) closeSync(held.pop());
    const results = {};
    for (const [name, call] of Object.entries(calls)) {
      results[name] = yield* attempt(call);
      yield* sleep(5); // closing goes on in the background
    }
    for (const fd of held) closeSync(fd);
    console.log(JSON.stringify({ spare, results }));
  }

  while (listener.waiting > 0) (yield* listener.accept()).close();
  const results = {};
  for (const [name, call] of Object.entries(calls)) results[name] = yield* attempt(call);
  console.log(JSON.stringify({ results }));
  listener.close();
  yield* fs.rm(folder, { recursive: true });
});
console.log(JSON.stringify({ problems }));
`;

it('says EMFILE, never crashes or hangs, and works again afterwards', { timeout: 60_000 }, () =>
  run(function* () {
    const args = [
      'sh',
      '-c',
      'ulimit -n 80; exec "$0" --import tsx --input-type=module --eval "$1"',
      process.execPath,
      program,
    ];
    const { stdout, stderr, returncode } = yield* runProcess(args, {
      captureOutput: true,
      encoding: 'utf8',
      timeout: 50_000,
    });
    expect({ stderr, returncode }).toEqual({ stderr: '', returncode: 0 });
    const lines = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    const [none, , , , free, { problems }] = lines;
    const allowed = new Set(['done', 'EMFILE', 'ECONNRESET']);
    for (const { spare, results } of lines.slice(0, 4)) {
      const strange = Object.entries(results).filter(([, result]) => !allowed.has(result as string));
      expect({ spare, strange }).toEqual({ spare, strange: [] });
    }
    const names = Object.keys(none.results);
    expect(none.results).toEqual(Object.fromEntries(names.map((name) => [name, 'EMFILE'])));
    expect(free.results).toEqual(Object.fromEntries(names.map((name) => [name, 'done'])));
    expect(problems).toEqual([]);
  }),
);

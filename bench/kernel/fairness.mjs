// A hundred tasks that are always ready share the process with a socket and a timer. What do those two see of it?
import { connect, createServer } from 'node:net';
import { go } from '../harness/programs.mjs';

const tasks = 100;
const duration = 500; // ms
const interval = 5; // ms
const mostDelay = 1500; // µs

function workFor(microseconds) {
  if (microseconds === 0) return;
  const end = performance.now() + microseconds / 1000;
  while (performance.now() < end);
}

async function busyGreenlets(work) {
  const { sleep, spawn } = await import('../genlet.mjs');
  function* busy() {
    for (;;) {
      workFor(work);
      yield* sleep(0);
    }
  }
  for (let task = 0; task < tasks; task++) spawn(busy);
}

/** Async functions have to go through setImmediate: a loop of bare awaits would never let the event loop turn. */
function busyAsyncFunctions(work) {
  const busy = async () => {
    for (;;) {
      workFor(work);
      await new Promise(setImmediate);
    }
  };
  for (let task = 0; task < tasks; task++) busy();
}

/** Median round trip of one byte between two sockets of this process, in microseconds. */
async function roundTrips() {
  const trips = [];
  const server = createServer((socket) => socket.on('data', (data) => socket.write(data)));
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const client = connect(server.address().port, '127.0.0.1');
  let sent;
  const send = () => {
    sent = performance.now();
    client.write('x');
  };
  client.on('connect', send).on('data', () => {
    trips.push(performance.now() - sent);
    send();
  });
  await new Promise((resolve) => setTimeout(resolve, duration));
  return medianMicroseconds(trips);
}

/** After how many microseconds a timer of Node fires that is set for `interval`, at the median. */
async function nodeTimers() {
  const fired = [];
  const end = performance.now() + duration;
  while (performance.now() < end) {
    const set = performance.now();
    await new Promise((resolve) => setTimeout(resolve, interval));
    fired.push(performance.now() - set);
  }
  return medianMicroseconds(fired);
}

/** The same for greenlets that sleep, which then take their turn behind the hundred. */
async function genletTimers() {
  const { run, sleep } = await import('../genlet.mjs');
  const fired = [];
  await run(function* () {
    const end = performance.now() + duration;
    while (performance.now() < end) {
      const set = performance.now();
      yield* sleep(interval);
      fired.push(performance.now() - set);
    }
  });
  return medianMicroseconds(fired);
}

const medianMicroseconds = (values) => values.sort((one, other) => one - other)[values.length >> 1] * 1000;

/** The hundred are started last: sockets and timers are then under way. */
async function beside(startTasks, work, measure) {
  const measured = measure();
  await startTasks(work);
  return measured;
}

function tables(work) {
  const load = `a hundred tasks always ready, ${work === 0 ? 'no work' : `${work} µs of work`} a turn`;
  return [
    {
      title: `Round trip beside ${load}`,
      about: 'Median round trip of one byte between two sockets in the same process.',
      unit: 'µs',
      mostRounds: 3,
      cases: {
        genlet: () => beside(busyGreenlets, work, roundTrips),
        'async, setImmediate': () => beside(busyAsyncFunctions, work, roundTrips),
        Go: go('kernel/peers', 'roundtrip', work),
        'nobody beside': () => roundTrips(),
      },
      bars: [{ atMost: mostDelay }],
    },
    {
      title: `A timer of ${interval} ms beside ${load}`,
      about: "Median time until it fires: Node's setTimeout, and in the second row genlet's own sleep.",
      unit: 'µs',
      mostRounds: 3,
      cases: {
        genlet: () => beside(busyGreenlets, work, nodeTimers),
        'genlet, sleep': () => beside(busyGreenlets, work, genletTimers),
        'async, setImmediate': () => beside(busyAsyncFunctions, work, nodeTimers),
        'nobody beside': () => nodeTimers(),
      },
      bars: [{ atMost: interval * 1000 + mostDelay }, { of: 'genlet, sleep', atMost: interval * 1000 + mostDelay }],
    },
  ];
}

export default [...tables(0), ...tables(5)];

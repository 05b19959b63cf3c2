/**
 * What runs in a process that genlet has started: reads its order from descriptor 4, imports the function, and runs it.
 *
 * The order of events at the end: SIGTERM, SIGINT and the end of the link kill the main greenlet, whose `finally` blocks
 * run; then the process dies of the signal, so that its exit code says so.
 */
import '../index.ts';
import { Socket } from 'node:net';
import { inspect } from 'node:util';
import { GreenletExit } from '../../core/errors.ts';
import type { Greenlet } from '../../core/greenlet.ts';
import { getcurrent } from '../../core/hub.ts';
import { callAndWait } from '../../core/perform.ts';
import { run } from '../../core/run.ts';
import { enterChild, resolveReference } from '../reference.ts';
import { commit, decode, encode, type Frame } from './frame.ts';
import { takeOver } from './inheritance.ts';
import { Link } from './link.ts';
import { holdLinks } from './links.ts';
import { runPool } from './pool-main.ts';
import { type Order, Process } from './process.ts';
import type { PoolOrder } from './process-link.ts';

/** How long `finally` blocks have when the parent is gone, in milliseconds. */
const GRACE = 1000;

type Stop = 'SIGTERM' | 'SIGINT' | 'orphaned';

let main: Greenlet<unknown> | undefined;
let stopped: Stop | undefined;
let ended = false;
/** Takes further messages, in a worker of a pool. */
let receive: ((frame: Frame) => void) | undefined;

const input = new Socket({ fd: 4, readable: true, writable: false });
const link = new Link(
  input,
  new Socket({ fd: 3, readable: false, writable: true }),
  {
    onControl: (frame) => (receive === undefined ? void obey(frame) : receive(frame)),
    onClose: () => stop('orphaned'),
    toString: () => 'the parent process',
  },
  1,
);
input.ref(); // until the order is here
process.on('exit', () => link.flush());

async function obey(frame: Frame): Promise<void> {
  input.unref();
  const order = decode(frame) as Order | PoolOrder;
  takeOver(order.estate);
  if ('pool' in order) {
    ended = true; // there is no main greenlet
    holdLinks(1); // it ends when it is told to, or when its parent does
    receive = runPool(order, link);
  } else await execute(order);
}

async function execute(order: Order): Promise<void> {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => onSignal(signal));
  let me: Process;
  try {
    enterChild(order.program);
    process.argv.splice(1, process.argv.length, ...order.argv);
    me = await assume(order);
  } catch (error) {
    report(order, error);
    process.exit(1); // whatever its modules have begun
  }
  try {
    await run(function* () {
      main = getcurrent() as Greenlet<unknown>;
      yield* callAndWait(() => me.run());
    });
  } catch (error) {
    if (stopped !== 'orphaned') {
      report(order, error);
      process.exitCode = 1;
    }
  }
  ended = true;
  if (stopped !== undefined) die();
}

function report({ name }: Order, error: unknown): void {
  process.stderr.write(`Process ${name}:\n${error instanceof Error ? inspect(error) : `thrown: ${inspect(error)}`}\n`);
}

/** Makes the object of this process, as the one that was started. */
async function assume({ name, daemon, target, args, subclass, fields }: Order): Promise<Process> {
  // The name is known before the module runs.
  new Process(null, [], { name, daemon }).become();
  const fn = target === undefined ? null : await resolveReference(target);
  const kind = subclass === undefined ? Process : await resolveReference(subclass);
  const me: Process = Reflect.construct(Process, [fn, args, { name, daemon }], kind as never);
  for (const [key, value] of Object.entries(fields)) {
    Object.defineProperty(me, key, { value, writable: true, enumerable: true, configurable: true });
  }
  me.become();
  return me;
}

function onSignal(signal: 'SIGTERM' | 'SIGINT'): void {
  sayHeard();
  if (process.listenerCount(signal) > 1) return; // the program sees to it
  if (stopped !== undefined) die();
  else stop(signal);
}

/** So that the parent does not take the process for one that never comes by its event loop. */
function sayHeard(): void {
  link.control(commit(encode('heard')));
  link.flush();
}

function stop(why: Stop): void {
  if (stopped !== undefined) return;
  stopped = why;
  if (why === 'orphaned') setTimeout(() => process.exit(1), GRACE).unref();
  if (ended || main === undefined) die();
  else main.kill(new GreenletExit(why));
}

function die(): void {
  link.flush();
  if (stopped === 'orphaned') process.exit(1);
  process.removeAllListeners(stopped!);
  process.kill(process.pid, stopped!);
}

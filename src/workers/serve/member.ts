/** One worker of `serve` as the main thread sees it: a thread or a process. */
import { fork } from 'node:child_process';
import type { Socket } from 'node:net';
import { Worker } from 'node:worker_threads';
import { WorkerDied } from '../../core/errors.ts';
import type { Operation } from '../../core/operation.ts';
import { suspend } from '../../core/suspend.ts';
import { Event } from '../../sync/event.ts';
import { bootstrap, moduleUrl } from '../module-url.ts';
import { unpackError } from '../packed-error.ts';
import type { Order, Place, Report, Start } from './protocol.ts';

const entry = moduleUrl('serve/member-main');

/** What a member rests on. */
interface Wire {
  send(order: Order, transfer?: readonly Socket[]): void;
  /** Ends it at once, if it has not ended. */
  terminate(): void;
}

/** @internal */
export class Member {
  readonly name: string;
  readonly #start: Start;
  readonly #wire: Wire;
  /** Set when it has ended. */
  readonly ended: Event = new Event();
  /** Connections that it was given, of which it had counted some at its last report, and so many were open. */
  #given = 0;
  #counted = 0;
  #open = 0;
  /** It was told to stop, so its end is no failure. */
  #isStopping = false;
  #failure: unknown;
  #exitCode: number | undefined;
  /** Who waits for its start. */
  #waiting: { done(place: Place): void; fail(error: unknown): void } | undefined;

  constructor(start: Start) {
    const { name } = start;
    this.name = name;
    this.#start = start;
    this.#wire = start.mode === 'processes' ? forkProcess(this) : startThread(this, name);
  }

  /** Whether it may be given connections. */
  get isServing(): boolean {
    return !this.#isStopping && !this.ended.isSet();
  }

  /** Whether it has ended without being told to. */
  get hasFailed(): boolean {
    return this.ended.isSet() && !this.#isStopping;
  }

  /** What it died of. */
  get failure(): Error {
    const options = this.#failure === undefined ? {} : { cause: this.#failure };
    return new WorkerDied(`${this.name} has ended with code ${this.#exitCode}`, this.#exitCode ?? 1, options);
  }

  /** Waits until its server listens; a kill ends the worker. @throws what the server or its making threw; `WorkerDied` */
  starting(): Operation<Place> {
    return suspend<Place>((resume) => {
      this.#waiting = { done: (place) => resume(place), fail: (error) => resume.throw(error) };
      return () => this.terminate();
    });
  }

  /** How many connections it has, as far as is known. */
  get load(): number {
    return this.#open + this.#given - this.#counted;
  }

  give(stream: Socket): void {
    this.#given++;
    this.#wire.send({ kind: 'connection', stream }, [stream]);
  }

  /** Tells it to stop; `ended` is set when it has. */
  stop(timeout: number | null): void {
    this.#isStopping = true;
    if (!this.ended.isSet()) this.#wire.send({ kind: 'stop', timeout });
  }

  terminate(): void {
    this.#isStopping = true;
    if (!this.ended.isSet()) this.#wire.terminate();
  }

  receive(report: Report): void {
    if (report.kind === 'loaded') this.#wire.send({ kind: 'start', start: this.#start });
    else if (report.kind === 'started') this.#settle()?.done(report.place);
    else if (report.kind === 'load') {
      this.#counted = report.given;
      this.#open = report.open;
    } else {
      this.#isStopping = true;
      this.#settle()?.fail(unpackError(report.error));
    }
  }

  exited(exitCode: number, error?: unknown): void {
    this.#exitCode = exitCode;
    this.#failure = error;
    this.ended.set();
    this.#settle()?.fail(this.failure);
  }

  #settle(): { done(place: Place): void; fail(error: unknown): void } | undefined {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    return waiting;
  }
}

function startThread(member: Member, name: string): Wire {
  const worker = new Worker(bootstrap, { name, workerData: { genletEntry: entry } });
  let failure: unknown;
  worker.on('message', (report: Report) => member.receive(report));
  worker.on('error', (error) => {
    failure = error;
  });
  worker.once('exit', (code) => member.exited(code, failure));
  return {
    send: (order, transfer = []) => worker.postMessage(order, transfer as never),
    terminate: () => void worker.terminate(),
  };
}

function forkProcess(member: Member): Wire {
  const env = { ...process.env, GENLET_ENTRY: entry };
  const child = fork(bootstrap, { env, serialization: 'advanced' });
  child.on('message', (report: Report) => member.receive(report));
  child.on('error', () => {}); // of an order that came too late; its exit tells
  const underWay = new Set<Socket>();
  child.once('exit', (code, signal) => {
    for (const stream of underWay) stream.destroy(); // Node keeps what it could not hand over
    member.exited(code ?? -1, signal ?? undefined);
  });
  return {
    send(order, [stream] = []) {
      if (stream === undefined) child.send(order, () => {});
      else {
        underWay.add(stream);
        child.send({ kind: 'connection' }, stream, (error) => {
          underWay.delete(stream);
          if (error) stream.destroy();
        });
      }
    },
    terminate: () => void child.kill('SIGKILL'),
  };
}

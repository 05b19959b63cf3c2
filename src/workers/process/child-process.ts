/**
 * A process of Node that genlet has started, and the link to it.
 *
 * Its standard input is empty, its output is ours. The link is its descriptors 3, to us, and 4, from us: it
 * ends when this process does, however that dies, and so the child can't be left over.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import type { Socket } from 'node:net';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';
import { bootstrap, moduleUrl } from '../module-url.ts';
import type { Frame } from './frame.ts';
import { Link, type LinkOwner } from './link.ts';

const entry = moduleUrl('process/child-main');

/** Options of Node that are for one process, or for the main program only. */
const OWN = /^(-[eipc]|-pe|--(eval|print|interactive|check|input-type|inspect.*|test.*|watch.*|run))(=|$)/;
/** Those of them that take the next argument for their value. */
const TAKES_NEXT = /^(-e|-p|-pe|--eval|--print|--input-type|--watch-path|--run)$/;

function nodeOptions(): string[] {
  const options: string[] = [];
  for (let i = 0; i < process.execArgv.length; i++) {
    const option = process.execArgv[i]!;
    if (!OWN.test(option)) options.push(option);
    else if (TAKES_NEXT.test(option)) i++;
  }
  return options;
}

/** Who wants to hear of it. @internal */
export interface ChildOwner {
  onControl(frame: Frame): void;
  /** It has ended: 0 or more is its exit code, less minus the number of a signal. */
  onExit(exitcode: number): void;
  /** It could not be started. */
  onError(error: Error): void;
  toString(): string;
}

/** @internal */
export class Child implements LinkOwner {
  readonly process: ChildProcess;
  readonly link: Link;
  readonly #owner: ChildOwner;

  /** `descriptors` are those that it gets from 5 on. */
  constructor(owner: ChildOwner, descriptors: readonly number[] = []) {
    this.#owner = owner;
    this.process = spawn(process.execPath, [...nodeOptions(), fileURLToPath(bootstrap)], {
      stdio: ['ignore', 'inherit', 'inherit', 'pipe', 'pipe', ...descriptors],
      env: { ...process.env, GENLET_ENTRY: entry },
    });
    const [, , , input, output] = this.process.stdio as unknown as Socket[];
    this.link = new Link(input!, output!, this, 0);
    this.process.once('error', (error) => {
      if (this.process.pid === undefined) owner.onError(error);
    });
    this.process.once('exit', (code, signal) => owner.onExit(code ?? -constants.signals[signal!]));
  }

  onControl(frame: Frame): void {
    this.#owner.onControl(frame);
  }

  onClose(): void {}

  toString(): string {
    return String(this.#owner);
  }
}

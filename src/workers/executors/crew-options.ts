/** The options that executors and pools have in common. */
import { availableParallelism } from 'node:os';
import type { ResourceLimits } from 'node:worker_threads';
import { checkDuration, checkFunction, checkInteger, checkOptions, show } from '../../core/check.ts';
import { type Referable, referenceTo } from '../reference.ts';
import type { Call } from '../remote/protocol.ts';

/** What executors and pools can be told about their workers. */
export interface CrewOptions {
  /** Called in each worker before anything else, as `initializer(...initargs)`; may be a coroutine function or async. */
  initializer?: ((...args: any[]) => unknown) | undefined;
  /** The arguments of `initializer`. Shared objects, locks for example, go with them. */
  initargs?: readonly unknown[];
  /** After how many calls a worker is replaced, where a chunk counts as one; never, by default. */
  maxTasksPerChild?: number | null;
  /** After how many milliseconds without work a worker ends; never, by default. */
  idleTimeout?: number | null;
  /** How long a killed call that hangs may keep its worker, in milliseconds; 500 by default. Then the worker is terminated. */
  grace?: number;
  /** The beginning of the workers' names; that of the class and a number by default. */
  name?: string;
}

/** What those over threads can be told besides. */
export interface ThreadCrewOptions extends CrewOptions {
  /** Limits of the memory of each thread, in MB; who exceeds them dies. */
  resourceLimits?: ResourceLimits;
}

/** Options that were checked. @internal */
export interface CrewPlan {
  readonly size: number;
  readonly name: string;
  readonly init: Call | undefined;
  readonly maxTasks: number;
  readonly idleTimeout: number | undefined;
  readonly grace: number;
}

const made = new Map<string, number>();

/** @internal */
export function planCrew(className: string, sizeName: string, size: unknown, options: CrewOptions): CrewPlan {
  checkOptions(options, '{ initializer, initargs, maxTasksPerChild }');
  const { initializer, initargs = [], maxTasksPerChild, idleTimeout, grace = 500, name } = options;
  const workers = size === undefined || size === null ? availableParallelism() : (size as number);
  const unlimited = maxTasksPerChild === undefined || maxTasksPerChild === null;
  return {
    size: checkInteger(sizeName, workers, 1),
    init: initializer === undefined ? undefined : checkCall(initializer, initargs),
    maxTasks: unlimited ? Number.POSITIVE_INFINITY : checkInteger('maxTasksPerChild', maxTasksPerChild, 1),
    idleTimeout:
      idleTimeout === undefined || idleTimeout === null ? undefined : checkDuration('idleTimeout', idleTimeout),
    grace: checkDuration('grace', grace),
    name: name ?? nextName(className),
  };
}

function checkCall(initializer: unknown, initargs: readonly unknown[]): Call {
  checkFunction('initializer', initializer);
  return { reference: referenceTo(initializer as Referable), args: checkArguments('initargs', initargs) };
}

/** Arguments, in an array. @internal */
export function checkArguments(name: string, args: unknown): unknown[] {
  if (!Array.isArray(args)) throw new TypeError(`${name} is ${show(args)}: give an array of arguments`);
  return [...args];
}

function nextName(className: string): string {
  const number = (made.get(className) ?? 0) + 1;
  made.set(className, number);
  return `${className}-${number}`;
}

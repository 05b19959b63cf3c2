/** `getLogger`: lines that say which process or thread they come from, and which greenlet. */
import { writeSync } from 'node:fs';
import { format } from 'node:util';
import { isMainThread } from 'node:worker_threads';
import { checkCallback, show } from '../core/check.ts';
import { getcurrent } from '../core/hub.ts';
import { currentProcess } from './process/process.ts';
import { threadName } from './worker-name.ts';

/** How much a line matters; a logger drops those that matter less than its level. */
export type LogLevel = 'debug' | 'info' | 'warning' | 'error';

const LEVELS: readonly LogLevel[] = ['debug', 'info', 'warning', 'error'];

/** What a line is made of. */
export interface LogRecord {
  readonly level: LogLevel;
  /** The name of the logger. */
  readonly logger: string;
  /** The name of the worker thread, or that of the process. */
  readonly worker: string;
  /** The name of the greenlet; `undefined` outside. */
  readonly greenlet: string | undefined;
  /** The message with its values put in. */
  readonly message: string;
  readonly time: Date;
}

const loggers = new Map<string, Logger>();

/** Made by `getLogger`. */
export class Logger {
  readonly name: string;
  #level: LogLevel = 'info';
  #write: (line: string, record: LogRecord) => void = writeToStderr;

  /** @internal */
  constructor(name: string) {
    this.name = name;
  }

  /** What matters less is dropped: `'info'` by default. @throws {TypeError} there is no such level */
  get level(): LogLevel {
    return this.#level;
  }

  set level(level: LogLevel) {
    if (!LEVELS.includes(level)) throw new TypeError(`level is ${show(level)}: give one of ${LEVELS.join(', ')}`);
    this.#level = level;
  }

  /** Where lines go: to stderr by default, at once, so that nothing is lost if the thread is terminated. */
  set write(write: (line: string, record: LogRecord) => void) {
    checkCallback('write', write);
    this.#write = write;
  }

  /** For who looks for a fault. */
  debug(message: unknown, ...values: unknown[]): void {
    this.#log('debug', message, values);
  }

  /** For who wants to know what goes on. */
  info(message: unknown, ...values: unknown[]): void {
    this.#log('info', message, values);
  }

  /** For what is not as it should be. */
  warning(message: unknown, ...values: unknown[]): void {
    this.#log('warning', message, values);
  }

  /** For what went wrong. An error among the values is shown with its stack. */
  error(message: unknown, ...values: unknown[]): void {
    this.#log('error', message, values);
  }

  #log(level: LogLevel, message: unknown, values: unknown[]): void {
    if (LEVELS.indexOf(level) < LEVELS.indexOf(this.#level)) return;
    const record: LogRecord = {
      level,
      logger: this.name,
      worker: threadName() ?? currentProcess().name,
      greenlet: getcurrent()?.name,
      message: format(message, ...values),
      time: new Date(),
    };
    this.#write(formatLogRecord(record), record);
  }
}

/** `[INFO/Process-1/Greenlet-3] message`, as one line of text with its end. Follows multiprocessing's log format. */
export function formatLogRecord({ level, worker, greenlet, message }: LogRecord): string {
  return `[${[level.toUpperCase(), worker, ...(greenlet === undefined ? [] : [greenlet])].join('/')}] ${message}\n`;
}

/**
 * The logger of that name, the same one at each call, in each thread and process its own. Its lines name the worker and
 * the greenlet that wrote them. Does not suspend. Follows `multiprocessing.get_logger` and `logging.getLogger`.
 *
 * @throws {TypeError} the name is no string
 * @example
 * ```ts
 * import { getLogger } from 'genlet/workers';
 *
 * const log = getLogger('shop');
 * log.write = (line) => process.stdout.write(line);
 * log.info('%d tickets left', 3); // => [INFO/MainProcess] 3 tickets left
 * log.debug('not shown');
 * ```
 */
export function getLogger(name = 'genlet'): Logger {
  if (typeof name !== 'string') throw new TypeError(`name is ${show(name)}: give a string`);
  let logger = loggers.get(name);
  if (logger === undefined) loggers.set(name, (logger = new Logger(name)));
  return logger;
}

/** The stderr of a thread goes through the main thread, which is too late for a thread that is terminated. */
function writeToStderr(line: string): void {
  if (isMainThread) {
    process.stderr.write(line);
    return;
  }
  try {
    writeSync(2, line);
  } catch {
    process.stderr.write(line); // a pipe that is full at the moment
  }
}

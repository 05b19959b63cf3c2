/** The examples as processes. */
import { type ChildProcessWithoutNullStreams, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { type afterAll, afterEach, inject, vi } from 'vitest';

/**
 * Runs examples, and anything else, for one test file. What a test leaves running is killed after it, or, with `afterAll`,
 * after the last one.
 */
export function exampleRunner(after: typeof afterEach | typeof afterAll = afterEach) {
  vi.setConfig({ testTimeout: 20_000 }); // each process takes a second to start, on a busy machine more
  const running = new Set<Program>();
  after(async () => {
    await Promise.all([...running].map((program) => program.stop()));
    running.clear();
  });
  const start = (command: string, args: string[]) => {
    const program = new Program(command, args);
    running.add(program);
    return program;
  };
  return {
    start,
    /** Runs it compiled, which takes a fifth of the time. */
    startExample: (name: string, ...args: string[]) =>
      start(process.execPath, [`${inject('build')}/examples/${name}.js`, ...args]),
    /** Runs it as users do. */
    startSource: (name: string, ...args: string[]) =>
      start(process.execPath, ['--import', 'tsx', `examples/${name}.ts`, ...args]),
  };
}

/** A running program whose lines are collected. */
export class Program {
  readonly lines: string[] = [];
  stderr = '';
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #end: Promise<unknown>;
  #closed = false;
  #tell: (() => void) | undefined;

  constructor(command: string, args: string[]) {
    this.#child = spawn(command, args);
    this.#end = once(this.#child, 'close').finally(() => {
      this.#closed = true;
      this.#tell?.();
    });
    createInterface(this.#child.stdout).on('line', (line) => {
      this.lines.push(line);
      this.#tell?.();
    });
    this.#child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      this.stderr += chunk;
    });
  }

  /** The first line that matches, as soon as it is there. */
  async line(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = this.lines.map((line) => pattern.exec(line)).find((found) => found !== null);
      if (match) return match;
      if (this.#closed) throw new Error(`no line ${pattern}: ${this.lines.join('\n')}${this.stderr}`);
      await new Promise<void>((resolve) => {
        this.#tell = resolve;
      });
    }
  }

  write(text: string): void {
    this.#child.stdin.write(text);
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** Waits for the end and gives the exit code, or the name of the signal that ended it. */
  async ended(): Promise<number | string | null> {
    this.#child.stdin.end();
    await this.#end;
    return this.#child.exitCode ?? this.#child.signalCode;
  }

  async stop(): Promise<void> {
    if (!this.#closed) this.#child.kill('SIGKILL');
    await this.ended();
  }
}

/** Whether the machine has a command. */
export function has(command: string): boolean {
  try {
    execFileSync(command, ['-h'], { stdio: 'ignore' });
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ENOENT';
  }
}

import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Process, task } from 'genlet/workers';
import { describe, expect, it } from 'vitest';
import { referenceTo, resolveReference, setReference } from '../../src/workers/reference.ts';
import * as tasks from './fixtures/process-tasks.ts';

const tasksUrl = new URL('./fixtures/process-tasks.ts', import.meta.url).href;
const program = new URL('./fixtures/process-program.ts', import.meta.url);
const unguarded = new URL('./fixtures/process-unguarded.ts', import.meta.url);

/** Runs a program of the fixtures. */
function start(url: URL, ...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [fileURLToPath(url), ...args], { timeout: 30_000 }, (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : error === null ? 0 : -1, stdout, stderr });
    });
  });
}

describe('task', () => {
  it('gives the function itself, which has its name from then on', () => {
    const fn = function* () {};
    expect(task('file:///somewhere/tasks.js', 'fn', fn)).toBe(fn);
    expect(referenceTo(fn)).toEqual({ module: 'file:///somewhere/tasks.js', name: 'fn' });
    expect(task(new URL('file:///elsewhere.js'), 'other', fn)).toBe(fn);
    expect(referenceTo(fn)).toEqual({ module: 'file:///elsewhere.js', name: 'other' });
  });

  it('takes classes', () => {
    class Sub extends Process {}
    task('file:///sub.js', 'Sub', Sub);
    expect(referenceTo(Sub)).toEqual({ module: 'file:///sub.js', name: 'Sub' });
  });

  it('checks its arguments', () => {
    expect(() => task('nowhere', 'fn', () => {})).toThrow('give import.meta.url');
    expect(() => task('file:///a.js', '', () => {})).toThrow("name is '': give the name of the export");
    expect(() => task('file:///a.js', 'fn', 5 as never)).toThrow('task is 5');
  });
});

describe('a function that nobody named', () => {
  it('is refused, with what to write', () => {
    expect(() => referenceTo(tasks.unmarked)).toThrow(
      "unmarked can't be found by another thread or process: export it from its module and mark it there with task(import.meta.url, 'unmarked', unmarked)",
    );
    expect(() => referenceTo(() => {})).toThrow("the function can't be found");
    expect(() => referenceTo(5 as never)).toThrow('target is 5');
  });
});

describe('resolving a name', () => {
  it('imports the module and gives its export', async () => {
    const fn = await resolveReference({ module: tasksUrl, name: 'echo' });
    expect(fn.name).toBe('');
    expect(referenceTo(fn)).toEqual({ module: tasksUrl, name: 'echo' });
    const marked = setReference(function* () {}, { module: tasksUrl, name: 'whoami' });
    expect(await resolveReference(referenceTo(marked))).toBeTypeOf('function');
  });

  it('tells what there is, if there is no such function', async () => {
    await expect(resolveReference({ module: tasksUrl, name: 'noSuchExport' })).rejects.toThrow(
      /has no function noSuchExport: it exports .*echo/,
    );
    await expect(resolveReference({ module: tasksUrl, name: 'value' })).rejects.toThrow('has no function value');
    await expect(resolveReference({ module: tasksUrl, name: 'toString' })).rejects.toThrow('has no function toString');
    await expect(resolveReference({ module: 'data:text/javascript,export const a = 1', name: 'b' })).rejects.toThrow(
      'it exports no function',
    );
  });

  it('passes on what the module throws', async () => {
    const module = 'data:text/javascript,throw new Error("at import")';
    await expect(resolveReference({ module, name: 'b' })).rejects.toThrow('at import');
  });
});

describe('main', () => {
  it('makes the exports of the main program known, the default one too', { timeout: 60_000 }, async () => {
    const { code, stdout, stderr } = await start(program, 'exports');
    expect(stderr).toBe('');
    expect(stdout.split('\n')).toEqual(['Process-1 greets with exports', 'by default', '']);
    expect(code).toBe(0);
  });

  it('ends the process when its function fails, and daemons with it', { timeout: 60_000 }, async () => {
    const { code, stdout, stderr } = await start(program, 'fails');
    expect(code).toBe(1);
    expect(stderr).toContain('Error: main fails');
    const [, pid] = /child (\d+)/.exec(stdout) ?? [];
    if (pid !== undefined) await expect.poll(() => alive(Number(pid)), { timeout: 5000 }).toBe(false);
  });

  it.each(['await', 'later'])(
    'is missed by a process that finds a program without it (%s)',
    { timeout: 60_000 },
    async (mode) => {
      const { stdout, stderr } = await start(unguarded, mode);
      expect(stdout).toBe('exit code 1\n');
      expect(stderr).toContain('put ');
      expect(stderr).toContain('main(import.meta.url, function* () { … })');
      expect(stderr.match(/^Process .*:$/gm)).toHaveLength(1);
    },
  );

  it('checks its arguments', async () => {
    const { main } = await import('genlet/workers');
    expect(() => main('here', () => {})).toThrow('give import.meta.url');
    expect(() => main(import.meta.url, 5 as never)).toThrow('main() target is 5');
    expect(main(import.meta.url, () => expect.unreachable())).toBe(undefined);
  });
});

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

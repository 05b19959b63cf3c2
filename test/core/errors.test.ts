import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import {
  BlockingSwitchOutError,
  BrokenBarrierError,
  CancelledError,
  ConcurrentObjectUseError,
  GreenletExit,
  InvalidStateError,
  InvalidSwitchError,
  isExit,
  LoopExit,
  NotInGreenletError,
  PoolFull,
  QueueEmpty,
  QueueFull,
  QueueShutDown,
  Timeout,
  WrongHubError,
} from 'genlet';
import { afterAll, describe, expect, inject, it } from 'vitest';
import { runProgram } from '../support/child.ts';

type ErrorClass = new (argument: any) => Error & { code: string };

const classes: [ErrorClass, string][] = [
  [GreenletExit, 'GENLET_EXIT'],
  [Timeout, 'GENLET_TIMEOUT'],
  [LoopExit, 'GENLET_LOOP_EXIT'],
  [NotInGreenletError, 'GENLET_NOT_IN_GREENLET'],
  [BlockingSwitchOutError, 'GENLET_BLOCKING_SWITCH_OUT'],
  [ConcurrentObjectUseError, 'GENLET_CONCURRENT_OBJECT_USE'],
  [InvalidSwitchError, 'GENLET_INVALID_SWITCH'],
  [WrongHubError, 'GENLET_WRONG_HUB'],
  [QueueFull, 'GENLET_QUEUE_FULL'],
  [QueueEmpty, 'GENLET_QUEUE_EMPTY'],
  [QueueShutDown, 'GENLET_QUEUE_SHUT_DOWN'],
  [PoolFull, 'GENLET_POOL_FULL'],
  [BrokenBarrierError, 'GENLET_BROKEN_BARRIER'],
  [CancelledError, 'GENLET_CANCELLED'],
  [InvalidStateError, 'GENLET_INVALID_STATE'],
];

/** Makes an error of a class, whatever its constructor takes. */
function make(errorClass: ErrorClass): Error & { code: string } {
  return new errorClass(errorClass === LoopExit ? [] : errorClass === Timeout ? 5 : 'message');
}

describe.each(classes.map(([errorClass, code]) => ({ name: errorClass.name, errorClass, code })))(
  '$name',
  ({ name, errorClass, code }) => {
    it('is an Error with a code and a name, which a stack and String() show', () => {
      const error = make(errorClass);
      expect(error).toBeInstanceOf(Error);
      expect(error).toBeInstanceOf(errorClass);
      expect([error.code, error.name, Object.keys(error).includes('code')]).toEqual([code, name, false]);
      expect(String(error)).toMatch(new RegExp(`^${name}: `));
    });

    it('is not any other error', () => {
      for (const [other] of classes) expect(make(other) instanceof errorClass).toBe(other === errorClass);
      for (const stranger of [new Error(), null, undefined, 5, {}]) expect(stranger).not.toBeInstanceOf(errorClass);
    });
  },
);

describe('a subclass', () => {
  class Leave extends GreenletExit {}

  it('is told from its base', () => {
    expect(new Leave()).toBeInstanceOf(GreenletExit);
    expect(new Leave()).toBeInstanceOf(Leave);
    expect(new GreenletExit()).not.toBeInstanceOf(Leave);
    expect(isExit(new Leave())).toBe(true);
  });
});

it('isExit tells exits from everything else', () => {
  expect([new GreenletExit(), new Error(), new Timeout(1), undefined, 'exit'].map(isExit)).toEqual([
    true,
    false,
    false,
    false,
    false,
  ]);
});

describe('two copies of the package', () => {
  const names = classes.map(([{ name }]) => name);
  const copy = mkdtempSync(join(tmpdir(), 'genlet-copy-'));
  cpSync(`${inject('build')}/src`, join(copy, 'src'), { recursive: true });
  writeFileSync(join(copy, 'package.json'), '{ "type": "module" }');
  const url = pathToFileURL(join(copy, 'src/core/index.js'));
  afterAll(() => rmSync(copy, { recursive: true }));

  it('recognize each other’s errors', async () => {
    const { lines, stderr } = await runProgram(`
      import * as one from 'genlet';
      import * as other from '${url}';
      for (const name of ${JSON.stringify(names)}) {
        const argument = { LoopExit: [], Timeout: 5 }[name] ?? 'message';
        const errors = [new one[name](argument), new other[name](argument)];
        const known = errors.every((error) => error instanceof one[name] && error instanceof other[name]);
        console.log(name, one[name] !== other[name] && known);
      }
      console.log('isExit', one.isExit(new other.GreenletExit()));
    `);
    expect(stderr).toBe('');
    expect(lines).toEqual([...names, 'isExit'].map((name) => `${name} true`));
  });

  it('throw WrongHubError when one’s operation is performed in the other’s greenlet, or one’s greenlet is made a parent', async () => {
    const { lines } = await runProgram(`
      import * as one from 'genlet';
      import * as other from '${url}';
      const errors = [];
      await one.run(function* () {
        for (const misuse of [() => other.sleep(5), () => other.spawn(() => 5)]) {
          try {
            yield* misuse();
          } catch (error) {
            console.log(error.name);
          }
        }
        try {
          new one.RawGreenlet(() => {}).parent = new other.RawGreenlet(() => {});
        } catch (error) {
          console.log(error.name);
        }
        yield* one.sleep(1);
        console.log('goes on');
      });
    `);
    expect(lines).toEqual(['WrongHubError', 'WrongHubError', 'WrongHubError', 'goes on']);
  });
});

/** Objects that `yield*` can wait for. */
import type { Operation } from '../../core/operation.ts';
import type { Target } from './install.ts';

/**
 * The target that makes the objects of a prototype known to `yield*`: `wait` says what it waits for. Of the objects for which
 * `isMeant` is false, it is as if this were not there.
 * @internal
 */
export function iterable<K>(
  module: string,
  path: string,
  prototype: object,
  wait: (object: K) => Operation<unknown>,
  isMeant: (object: K) => boolean = () => true,
): Target {
  function iterate(this: K): Iterator<unknown, unknown, any> {
    return wait(this)[Symbol.iterator]();
  }
  return {
    module,
    name: `${path}[Symbol.iterator]`,
    holder: prototype,
    key: Symbol.iterator,
    kind: 'iterator',
    act: () => (object) => (object !== prototype && isMeant(object as K) ? iterate : undefined),
  };
}

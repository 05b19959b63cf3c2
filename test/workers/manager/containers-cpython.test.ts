/** The cases of multiprocessing's tests of the containers of a manager, in this process and over a socket. */
import { run } from 'genlet';
import { type DictProxy, ListProxy, Manager, type QueueProxy } from 'genlet/workers';
import { describe, expect, it } from 'vitest';
import { watchHub } from '../../support/hub.ts';

watchHub();

const digits = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
const letters = [65, 66, 67, 68, 69].map((code) => [code, String.fromCharCode(code)] as const);

/** The copies of all lists in a list. */
function* copies(lists: ListProxy<ListProxy>): Generator<any, unknown[][], any> {
  const all: unknown[][] = [];
  for (const each of yield* lists.copy()) all.push(yield* each.copy());
  return all;
}

const ways = [
  ['in this process', (own: Manager) => own],
  ['over a socket', (own: Manager) => Manager.connect(own.address!)],
] as const;

describe.each(ways)('the containers of a manager %s', (_, reach) => {
  const inManager = (body: (manager: Manager) => Generator<any, void, any>) => () =>
    run(function* () {
      using own = new Manager();
      yield* own.getServer().start();
      const reached = reach(own);
      using manager = reached instanceof Manager ? reached : yield* reached;
      yield* body(manager);
    });

  it(
    'are lists, which can contain each other',
    inManager(function* (manager) {
      const [a, b] = [yield* manager.list<unknown>(digits), yield* manager.list<number>()];
      expect([yield* a.copy(), yield* b.copy()]).toEqual([digits, []]);
      yield* b.extend([0, 1, 2, 3, 4]);
      expect([yield* b.get(2), yield* b.slice(2, 10)]).toEqual([2, [2, 3, 4]]);
      yield* b.extend(yield* b.copy());
      expect(yield* b.copy()).toEqual([0, 1, 2, 3, 4, 0, 1, 2, 3, 4]);
      const both = yield* manager.list<ListProxy>([a, b]);
      expect(yield* copies(both)).toEqual([digits, [0, 1, 2, 3, 4, 0, 1, 2, 3, 4]]);
      const one = yield* manager.list<ListProxy>([a]);
      yield* a.push('hello');
      expect(yield* copies(one)).toEqual([[...digits, 'hello']]);
    }),
  );

  it(
    'are lists whose copy stays as it is, and which are read item by item as they are then',
    inManager(function* (manager) {
      const list = yield* manager.list(digits);
      const copy = yield* list.copy();
      yield* list.set(0, 100);
      expect([copy, yield* list.get(0)]).toEqual([digits, 100]);
      expect(() => [...(list as never)]).toThrow(TypeError);
    }),
  );

  it(
    'are lists of lists, each of which is there once',
    inManager(function* (manager) {
      const inner: ListProxy<number>[] = [];
      for (let i = 0; i < 3; i++) inner.push(yield* manager.list([0, 1, 2]));
      const list = yield* manager.list(inner);
      expect(yield* copies(list)).toEqual([
        [0, 1, 2],
        [0, 1, 2],
        [0, 1, 2],
      ]);
      yield* (yield* list.get(0)).set(-1, 55);
      expect(yield* (yield* list.get(1)).pop()).toBe(2);
      expect(yield* copies(list)).toEqual([
        [0, 1, 55],
        [0, 1],
        [0, 1, 2],
      ]);
      const itself = yield* manager.list<ListProxy>();
      yield* itself.push(itself);
      const again = yield* (yield* itself.get(0)).get(0);
      yield* again.push(list);
      expect(yield* itself.length()).toBe(2);
    }),
  );

  it(
    'are dicts',
    inManager(function* (manager) {
      const dict = yield* manager.dict<number, string>();
      for (const [code, letter] of letters) yield* dict.set(code, letter);
      expect(yield* dict.copy()).toEqual(new Map(letters));
      expect(yield* dict.keys()).toEqual([65, 66, 67, 68, 69]);
      expect(yield* dict.values()).toEqual(['A', 'B', 'C', 'D', 'E']);
      expect(yield* dict.entries()).toEqual(letters);
    }),
  );

  it(
    'are dicts whose keys are a copy, too',
    inManager(function* (manager) {
      const dict = yield* manager.dict<number, string>(letters);
      const keys = yield* dict.keys();
      yield* dict.clear();
      expect([keys, yield* dict.keys()]).toEqual([[65, 66, 67, 68, 69], []]);
      expect(() => [...(dict as never)]).toThrow(TypeError);
    }),
  );

  it(
    'are dicts of dicts, which live as long as somebody uses them',
    inManager(function* (manager) {
      let pets = yield* manager.dict<string, number>({ ferrets: 2, hamsters: 4 });
      let supplies = yield* manager.dict<string, number>({ water: 10, feed: 3 });
      const dict = yield* manager.dict<string, DictProxy<string, number>>({ pets, supplies });
      const inDict = function* (name: string): Generator<any, DictProxy<string, number>, any> {
        return (yield* dict.get(name))!;
      };
      expect(yield* (yield* inDict('supplies')).get('water')).toBe(10);
      yield* (yield* inDict('supplies')).update({ blankets: 5, water: 7 });
      expect([yield* supplies.get('blankets'), yield* supplies.get('water')]).toEqual([5, 7]);

      pets[Symbol.dispose]();
      supplies[Symbol.dispose]();
      pets = yield* inDict('pets');
      supplies = yield* inDict('supplies');
      expect(yield* pets.get('ferrets')).toBe(2);
      yield* (yield* inDict('supplies')).set('blankets', 11);
      expect(yield* supplies.get('blankets')).toBe(11);

      yield* dict.clear();
      expect([yield* dict.size(), yield* supplies.get('water'), yield* pets.get('hamsters')]).toEqual([0, 7, 4]);
      const list = yield* manager.list([pets, supplies]);
      yield* (yield* list.get(0)).set('marmots', 1);
      expect(yield* pets.get('marmots')).toBe(1);
      pets[Symbol.dispose]();
      supplies[Symbol.dispose]();
      expect(yield* (yield* list.get(0)).get('marmots')).toBe(1);

      const outer = yield* manager.list<any>([[88, 99], list]);
      expect(yield* outer.get(0)).toEqual([88, 99]);
      const inner: ListProxy = yield* outer.get(-1);
      expect(inner).toBeInstanceOf(ListProxy);
      expect(yield* (yield* inner.get(-1)).get('feed')).toBe(3);
    }),
  );

  it(
    'contain queues',
    inManager(function* (manager) {
      const [list, dict] = [yield* manager.list<QueueProxy>(), yield* manager.dict<number, QueueProxy>()];
      yield* list.push(yield* manager.Queue());
      yield* (yield* list.get(0)).put(123);
      expect(yield* (yield* list.get(0)).get()).toBe(123);
      yield* dict.set(0, yield* manager.Queue());
      yield* (yield* dict.get(0))!.put(456);
      expect(yield* (yield* dict.get(0))!.get()).toBe(456);
    }),
  );

  it(
    'are namespaces',
    inManager(function* (manager) {
      const names = yield* manager.Namespace<Record<string, string>>();
      yield* names.update({ name: 'Bob', job: 'Builder' });
      expect([yield* names.get('name'), yield* names.get('job')]).toEqual(['Bob', 'Builder']);
      expect(yield* names.delete('job')).toBe(true);
      expect([yield* names.copy(), yield* names.has('name'), yield* names.has('job')]).toEqual([
        { name: 'Bob' },
        true,
        false,
      ]);
    }),
  );
});

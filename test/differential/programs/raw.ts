/** Raw greenlets: switch, throw, parents. */
import { type Coroutine, GreenletExit, getcurrent, joinall, RawGreenlet, sleep, spawn } from 'genlet';
import { attempt, KeyError, type Programs } from '../program.ts';

/** A generator whose body is a greenlet, so that it may give items from any depth. */
class Generator<T> {
  readonly #greenlet: RawGreenlet;
  #reader: RawGreenlet | undefined;
  #done = false;

  constructor(body: (generator: Generator<T>) => Coroutine<void>) {
    const generator = this;
    this.#greenlet = new RawGreenlet(function* () {
      yield* body(generator);
      generator.#done = true;
    });
  }

  *give(item: T): Coroutine<void> {
    yield* this.#reader!.switch(item);
  }

  *next(): Coroutine<IteratorResult<T, undefined>> {
    this.#reader = this.#greenlet.parent = getcurrent()!;
    const value = yield* this.#greenlet.switch();
    return this.#done ? { done: true, value: undefined } : { done: false, value };
  }
}

export const raw: Programs = {
  *switches_back_and_forth(log) {
    const ping: RawGreenlet = new RawGreenlet(function* () {
      for (let turn = 0; turn < 3; turn++) {
        log('ping', turn);
        yield* pong.switch();
      }
    });
    const pong: RawGreenlet = new RawGreenlet(function* () {
      for (let turn = 0; turn < 3; turn++) {
        log('pong', turn);
        yield* ping.switch();
      }
    });
    yield* ping.switch();
    log('main', ping.dead, pong.dead);
  },

  *switches_carry_values(log) {
    const main = getcurrent()!;
    const other = new RawGreenlet(function* (...first: unknown[]) {
      let heard: unknown = first;
      for (;;) heard = yield* main.switch('heard', heard);
    });
    log(yield* other.switch('one', 'two'));
    log(yield* other.switch('three'));
    log(yield* other.switch('four', 'five'));
    yield* other.throw();
  },

  *arguments_of_the_first_switch(log) {
    for (const args of [[], ['a'], ['a', 'b']]) {
      const child = new RawGreenlet((...given: unknown[]) => log(given.length, given));
      yield* child.switch(...args);
    }
  },

  *value_of_a_switch_without_arguments(log) {
    const main = getcurrent()!;
    const other = new RawGreenlet(function* () {
      log('body', yield* main.switch());
      log('body', yield* main.switch('a'));
      log('body', yield* main.switch('a', 'b'));
    });
    log('main', yield* other.switch());
    log('main', yield* other.switch());
    log('main', yield* other.switch(1));
    log('main', yield* other.switch(1, 2));
  },

  *the_parent_gets_what_a_greenlet_returns(log) {
    const child = new RawGreenlet((value: string) => {
      log('body', value);
      return 'result';
    });
    log(yield* child.switch('argument'), child.dead);
  },

  *the_parent_gets_the_error_of_a_greenlet(log) {
    const child = new RawGreenlet(fail);
    yield* attempt(log, 'switch', () => child.switch());
    log(child.dead);
  },

  *the_parent_gets_an_exit_as_a_value(log) {
    const child = new RawGreenlet(() => {
      throw new GreenletExit();
    });
    log(yield* child.switch());
  },

  *states_of_a_raw_greenlet(log) {
    const state = () => [child.started, child.dead];
    const main = getcurrent()!;
    const child: RawGreenlet = new RawGreenlet(function* () {
      log('runs', state());
      yield* main.switch();
      log('runs on', state());
    });
    log('made', state());
    yield* child.switch();
    log('suspended', state());
    yield* child.switch();
    log('ended', state(), child.parent === main);
  },

  *a_chain_of_parents(log) {
    const inner = () => {
      log('inner');
      return 'from inner';
    };

    function* outer() {
      log('outer', yield* new RawGreenlet(inner).switch());
      return 'from outer';
    }

    log('main', yield* new RawGreenlet(outer).switch());
  },

  *a_greenlet_that_is_switched_to_by_another_returns_to_its_parent(log) {
    const child = new RawGreenlet(() => {
      log('child');
      return "child's result";
    });
    const stranger = new RawGreenlet(function* () {
      log('stranger', yield* child.switch());
    });
    log('main', yield* stranger.switch(), stranger.dead);
    log('main', yield* stranger.switch('back'), stranger.dead);
  },

  *another_parent(log) {
    const child = new RawGreenlet(() => 'result');
    child.parent = new RawGreenlet((value: string) => {
      log('collector', value);
      return 'collected';
    });
    log(yield* child.switch());
  },

  *an_error_passes_a_parent_that_has_not_begun(log) {
    const parent = new RawGreenlet(() => log('parent runs'));
    const child = new RawGreenlet(fail, parent);
    yield* attempt(log, 'switch', () => child.switch());
    log(parent.dead, child.dead);
  },

  *a_parent_that_catches_the_error_of_its_child(log) {
    const parent = new RawGreenlet(function* () {
      yield* attempt(log, 'parent', () => new RawGreenlet(fail).switch());
      return 'fine';
    });
    log(yield* parent.switch());
  },

  *a_switch_to_a_dead_greenlet_goes_to_its_parent(log) {
    const main = getcurrent()!;
    const parent = new RawGreenlet(function* () {
      const child = new RawGreenlet(() => 'result');
      log('parent', yield* child.switch());
      log('parent', yield* child.switch('again'));
      log('parent', yield* main.switch(child));
      return "parent's end";
    });
    const child: RawGreenlet = yield* parent.switch();
    log('main', yield* child.switch('from main'));
    log('main', yield* child.switch('to myself'));
  },

  *a_switch_to_oneself_returns_at_once(log) {
    log(yield* getcurrent()!.switch('value'));
    yield* new RawGreenlet(function* () {
      log('body', yield* getcurrent()!.switch('a', 'b'));
    }).switch();
  },

  *throw_into_a_suspended_greenlet(log) {
    const main = getcurrent()!;
    const child = new RawGreenlet(function* () {
      yield* attempt(log, 'caught', () => main.switch('waits'));
      return 'result';
    });
    log(yield* child.switch());
    log(yield* child.throw(new KeyError()), child.dead);
  },

  *throw_that_is_not_caught(log) {
    const main = getcurrent()!;
    const child = new RawGreenlet(function* () {
      try {
        yield* main.switch();
      } finally {
        log('finally');
      }
    });
    yield* child.switch();
    yield* attempt(log, 'throw', () => child.throw(new KeyError()));
    log(child.dead);
  },

  *throw_without_an_error_is_an_exit(log) {
    const main = getcurrent()!;
    const child = new RawGreenlet(function* () {
      try {
        yield* main.switch();
      } finally {
        log('finally');
      }
    });
    yield* child.switch();
    log(yield* child.throw(), child.dead);
  },

  *throw_into_a_greenlet_that_has_not_begun(log) {
    for (const error of [new KeyError(), new GreenletExit()]) {
      const child = new RawGreenlet(() => log('runs'));
      yield* attempt(log, 'throw', () => child.throw(error));
      log(child.dead);
    }
  },

  *throw_into_a_dead_greenlet(log) {
    const child = new RawGreenlet(() => 'result');
    yield* child.switch();
    yield* attempt(log, 'throw', () => child.throw(new KeyError()));
    yield* attempt(log, 'throw', () => child.throw());
  },

  *throw_goes_to_the_parents_of_the_target(log) {
    const main = getcurrent()!;
    const parent = new RawGreenlet(function* () {
      yield* attempt(log, 'parent', () => main.switch());
      return "parent's end";
    });
    yield* parent.switch();
    const thrower = new RawGreenlet(function* () {
      log('thrower', yield* new RawGreenlet(() => {}, parent).throw(new KeyError()));
    });
    log('main', yield* thrower.switch());
  },

  *generators_made_of_greenlets(log) {
    const numbers = (n: number) =>
      new Generator<number>(function* (generator) {
        for (let number = 0; number < n; number++) yield* generator.give(number);
      });
    const pairs = (n: number) =>
      new Generator<[number, number]>(function* (generator) {
        const ones = numbers(n);
        for (let one; !(one = yield* ones.next()).done; ) {
          const others = numbers(one.value);
          for (let other; !(other = yield* others.next()).done; ) yield* generator.give([one.value, other.value]);
        }
      });

    const items = pairs(4);
    for (let step; !(step = yield* items.next()).done; ) log(step.value);
  },

  *a_raw_greenlet_that_sleeps(log) {
    const body = new RawGreenlet(function* () {
      log('body');
      yield* sleep(20);
      log('body slept');
      return 'result';
    });
    spawn(log, 'other');
    log(yield* body.switch());
  },

  *throw_into_oneself(log) {
    yield* attempt(log, 'throw', () => getcurrent()!.throw(new KeyError()));
    log('goes on');
  },

  *an_error_that_goes_through_several_parents(log) {
    function* body(name: string, target: RawGreenlet) {
      try {
        yield* target.switch();
      } finally {
        log(name, 'finally');
      }
    }

    const one = new RawGreenlet(body);
    const two = new RawGreenlet(body, one);
    const three = new RawGreenlet(fail, two);
    yield* attempt(log, 'main', () => one.switch('one', new RawGreenlet(() => two.switch('two', three), one)));
    log(one.dead, two.dead, three.dead);
  },

  *a_new_parent_of_a_dead_greenlet(log) {
    const main = getcurrent()!;
    const parent = new RawGreenlet(function* () {
      log('parent', yield* main.switch());
    });
    yield* parent.switch();
    const child = new RawGreenlet(() => 'result');
    log(yield* child.switch());
    child.parent = parent;
    log('main', yield* child.switch('for the new parent'));
  },

  *parents_that_cannot_be(log) {
    const attemptParent = (name: string, parent: unknown) => {
      try {
        child.parent = parent as RawGreenlet;
      } catch {
        log(name, 'error');
      }
    };

    const child = new RawGreenlet(() => {});
    const grandchild = new RawGreenlet(() => {}, child);
    attemptParent('itself', child);
    attemptParent('its child', grandchild);
    attemptParent('a number', 1);
    log(child.parent === getcurrent());
  },

  *a_ring_of_switches(log) {
    const ring: RawGreenlet[] = [...'abc'].map(
      (name, index) =>
        new RawGreenlet(function* () {
          for (let turn = 0; turn < 2; turn++) {
            log(name, turn);
            yield* ring[(index + 1) % ring.length]!.switch();
          }
        }),
    );
    yield* ring[0]!.switch();
    log(ring.map(({ dead }) => dead));
  },

  *values_that_are_handed_back_and_forth(log) {
    const main = getcurrent()!;
    const adder = new RawGreenlet(function* (total: number) {
      for (;;) total += yield* main.switch(total);
    });
    const totals: number[] = [];
    for (const number of [1, 2, 3]) totals.push(yield* adder.switch(number));
    log(totals);
  },

  *a_raw_greenlet_within_a_spawned_greenlet(log) {
    const raw = function* () {
      log('raw');
      yield* sleep(0);
      log('raw again');
      return 'result';
    };

    const greenlets = [...'ab'].map((name) =>
      spawn(function* () {
        log(name, yield* new RawGreenlet(raw).switch());
      }),
    );
    yield* joinall(greenlets);
  },

  *children_that_outlive_their_parent(log) {
    const children: RawGreenlet[] = [];
    const parent = new RawGreenlet(() => {
      children.push(new RawGreenlet(() => 'result'), new RawGreenlet(fail));
    });
    yield* parent.switch();
    log(parent.dead, children[0]!.parent === parent);
    for (const child of children) yield* attempt(log, 'main', () => child.switch());
  },
};

function fail(): never {
  throw new KeyError();
}

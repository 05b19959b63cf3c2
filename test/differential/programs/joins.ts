/** Waiting for greenlets: join, get, joinall, wait, iwait. */
import { Event, type Greenlet, iwait, joinall, sleep, spawn, wait } from 'genlet';
import { after, attempt, KeyError, listOf, type Programs } from '../program.ts';

function* failAfter(ms: number, error: Error) {
  yield* sleep(ms);
  throw error;
}

const spawnSleepers = (...times: number[]) => times.map((ms) => spawn(after<number>, ms, ms));
const valuesOf = (greenlets: Greenlet<unknown>[]) => greenlets.map(({ value }) => value);
const readyOf = (greenlets: Greenlet<unknown>[]) => greenlets.map((greenlet) => greenlet.ready());

export const joins: Programs = {
  *joiners_wake_in_the_order_of_their_calls(log) {
    function* joiner(name: string) {
      yield* greenlet.join();
      log(name);
    }

    const greenlet = spawn(sleep, 20);
    yield* joinall([...'abc'].map((name) => spawn(joiner, name)));
  },

  *join_with_a_timeout(log) {
    const greenlet = spawn(after, 40, 'value');
    log('poll', yield* greenlet.join(0), greenlet.ready());
    log('too short', yield* greenlet.join(20), greenlet.ready());
    log('long enough', yield* greenlet.join(1000), greenlet.ready());
    log('again', yield* greenlet.join(0), greenlet.value);
  },

  *join_hides_the_error_and_get_throws_it(log) {
    const error = new KeyError();
    const greenlet = spawn(failAfter, 20, error);
    log('join', yield* greenlet.join());
    for (let i = 0; i < 2; i++) {
      try {
        yield* greenlet.get();
      } catch (caught) {
        log('get', caught === error);
      }
    }
  },

  *all_getters_of_a_failure_get_its_error(log) {
    function* getter(name: string) {
      try {
        yield* failing.get();
      } catch (caught) {
        log(name, caught === error);
      }
    }

    const error = new KeyError();
    const failing = spawn(failAfter, 20, error);
    yield* joinall([...'abc'].map((name) => spawn(getter, name)));
  },

  *get_with_a_timeout(log) {
    const greenlet = spawn(after, 40, 'value');
    for (const options of [{ block: false }, { timeout: 0 }, { timeout: 20 }, { timeout: 1000 }, { block: false }]) {
      yield* attempt(log, 'get', () => greenlet.get(options));
    }
  },

  *join_of_an_ended_greenlet_does_not_suspend(log) {
    const greenlet = spawn(() => 'value');
    yield* greenlet.join();
    spawn(log, 'other');
    yield* greenlet.join();
    log('joined');
    log('got', yield* greenlet.get());
    yield* sleep(0);
  },

  *joinall_gives_them_in_the_order_of_completion(log) {
    log(valuesOf(yield* joinall(spawnSleepers(50, 10, 30))));
  },

  *joinall_with_some_that_have_ended(log) {
    const greenlets = spawnSleepers(50, 10, 30);
    yield* sleep(40);
    const ended = yield* joinall(greenlets, { timeout: 0 });
    log(valuesOf(ended).sort());
    log((yield* joinall(greenlets)).at(-1)!.value);
  },

  *joinall_of_some_that_end_in_one_pass(log) {
    function* body(turns: number) {
      for (let turn = 0; turn < turns; turn++) yield* sleep(0);
      log('end', turns);
      return turns;
    }

    log(valuesOf(yield* joinall([2, 0, 1, 0].map((turns) => spawn(body, turns)))));
  },

  *joinall_with_a_count(log) {
    const greenlets = spawnSleepers(50, 10, 30);
    log(valuesOf(yield* joinall(greenlets, { count: 2 })));
    log(readyOf(greenlets));
    yield* joinall(greenlets);
  },

  *joinall_with_a_timeout(log) {
    const greenlets = spawnSleepers(60, 10);
    log(valuesOf(yield* joinall(greenlets, { timeout: 35 })));
    log(readyOf(greenlets));
    log((yield* joinall(greenlets)).length);
  },

  *joinall_raises_the_first_failure(log) {
    const greenlets: Greenlet<unknown>[] = [
      spawn(after, 60, 60),
      spawn(failAfter, 30, new KeyError()),
      spawn(failAfter, 10, new TypeError()),
    ];
    try {
      yield* joinall(greenlets, { raiseError: true });
    } catch (error) {
      log(error, readyOf(greenlets));
    }
    log((yield* joinall(greenlets)).length, greenlets[0]!.value);
  },

  *joinall_does_not_raise_a_kill(log) {
    const greenlets = [spawn(after, 40, 'a'), spawn(after, 20, 'b')];
    yield* sleep(0);
    greenlets[0]!.kill();
    log(valuesOf(yield* joinall(greenlets, { raiseError: true })));
  },

  *joinall_of_nothing(log) {
    spawn(log, 'other');
    log(yield* joinall([]));
    yield* sleep(0);
  },

  *wait_gives_them_in_the_order_of_completion(log) {
    log(valuesOf(yield* wait(spawnSleepers(50, 10, 30))));
  },

  *wait_with_a_timeout_gives_those_that_are_ready(log) {
    const greenlets = spawnSleepers(60, 10);
    log(valuesOf(yield* wait(greenlets, { timeout: 35 })));
    log(valuesOf(yield* wait(greenlets, { timeout: 0 })));
    log(valuesOf(yield* wait(greenlets)));
  },

  *wait_with_a_count(log) {
    const greenlets = spawnSleepers(50, 10, 30);
    log(valuesOf(yield* wait(greenlets, { count: 1 })));
    log(valuesOf(yield* wait(greenlets, { count: 3 })));
  },

  *wait_with_those_first_that_were_ready(log) {
    function* body(turns: number) {
      for (let turn = 0; turn < turns; turn++) yield* sleep(0);
      return turns;
    }

    const greenlets = [3, 1, 0].map((turns) => spawn(body, turns));
    yield* joinall(greenlets.slice(1));
    log(valuesOf(yield* wait(greenlets)));
  },

  *wait_for_events_and_greenlets(log) {
    function* setter() {
      yield* sleep(20);
      event.set();
      yield* sleep(20);
      return 'setter';
    }

    const event = new Event();
    const unset = new Event();
    const ready = yield* wait([spawn(setter), unset, event], { timeout: 60 });
    log(ready.map((item) => (item === event ? 'event' : (item as Greenlet).value)));
    log((yield* wait([unset], { timeout: 0 })).length, (yield* wait([event], { timeout: 0 })).length);
  },

  *iwait_gives_them_one_by_one(log) {
    using ready = iwait(spawnSleepers(60, 20, 40));
    for (let step; !(step = yield* ready.next()).done; ) {
      log(step.value.value);
      yield* sleep(0);
    }
  },

  *iwait_keeps_what_gets_ready_between_two_steps(log) {
    using ready = iwait(spawnSleepers(10, 30, 70));
    for (let step; !(step = yield* ready.next()).done; ) {
      log(step.value.value);
      yield* sleep(45);
      log('slept');
    }
  },

  *iwait_left_early(log) {
    const greenlets = spawnSleepers(10, 40);
    {
      using ready = iwait(greenlets);
      const step = yield* ready.next();
      if (!step.done) log(step.value.value);
    }
    log(readyOf(greenlets));
    log(valuesOf(yield* wait(greenlets)));
  },

  *iwait_with_a_count_and_a_timeout(log) {
    const greenlets = spawnSleepers(60, 10, 30);
    log(valuesOf(yield* listOf(iwait(greenlets, { count: 1 }))));
    log(valuesOf(yield* listOf(iwait(greenlets, { timeout: 35 }))));
    yield* joinall(greenlets);
  },

  *a_failed_greenlet_counts_as_ready_for_wait(log) {
    const greenlets: Greenlet<unknown>[] = [spawn(failAfter, 10, new KeyError()), spawn(after, 30, 'value')];
    log((yield* wait(greenlets)).map(({ exception, value }) => exception ?? value));
  },
};

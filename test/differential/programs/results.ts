/** AsyncResult. */
import { AsyncResult, joinall, sleep, spawn, wait } from 'genlet';
import { attempt, KeyError, type Programs } from '../program.ts';

export const results: Programs = {
  *states_of_an_async_result(log) {
    const stateOf = (result: AsyncResult<string>) => [
      result.ready(),
      result.successful(),
      result.value,
      result.exception,
    ];

    const good = new AsyncResult<string>();
    log(stateOf(good));
    good.set('value');
    log(stateOf(good));
    const bad = new AsyncResult<string>();
    bad.setException(new KeyError());
    log(stateOf(bad));
  },

  *getters_of_an_async_result_wake_in_order(log) {
    function* getter(name: string) {
      log(name, yield* result.get());
    }

    function* waiter(name: string) {
      log(name, yield* result.wait());
    }

    const result = new AsyncResult<string>();
    const waiters = [spawn(getter, 'get 1'), spawn(waiter, 'wait'), spawn(getter, 'get 2')];
    yield* sleep(0);
    result.set('value');
    log('set');
    yield* joinall(waiters);
  },

  *an_async_result_with_an_error(log) {
    function* getter(name: string) {
      try {
        yield* result.get();
      } catch (caught) {
        log(name, caught === error);
      }
    }

    const error = new KeyError();
    const result = new AsyncResult<string>();
    const waiters = [spawn(getter, 'a'), spawn(getter, 'b')];
    yield* sleep(0);
    result.setException(error);
    yield* joinall(waiters);
    yield* getter('main');
    log('wait', yield* result.wait());
  },

  *get_of_an_async_result_that_is_set_does_not_suspend(log) {
    const result = new AsyncResult<string>();
    result.set('value');
    spawn(log, 'other');
    log(yield* result.get(), yield* result.wait(), result.getNowait(), yield* result.get({ block: false }));
    yield* sleep(0);
  },

  *an_async_result_with_a_timeout(log) {
    const result = new AsyncResult<string>();
    yield* attempt(log, 'get_nowait', () => result.getNowait());
    yield* attempt(log, 'poll', () => result.get({ timeout: 0 }));
    yield* attempt(log, 'get', () => result.get({ timeout: 20 }));
    yield* attempt(log, 'wait', () => result.wait(20));
    spawn(() => result.set('value'));
    yield* attempt(log, 'long enough', () => result.get({ timeout: 1000 }));
  },

  *an_async_result_as_a_link(log) {
    for (const error of [undefined, new KeyError()]) {
      const result = new AsyncResult<string>();
      const greenlet = spawn(function* () {
        yield* sleep(0);
        if (error !== undefined) throw error;
        return 'value';
      });
      greenlet.link(result);
      try {
        log(yield* result.get());
      } catch (caught) {
        log(caught === error);
      }
    }
  },

  *rawlinks_of_an_async_result(log) {
    const result = new AsyncResult<string>();
    result.rawlink((r) => log('one', r === result, r.value));
    result.rawlink(() => log('two'));
    result.set('value');
    log('set');
    yield* sleep(0);
    log('main');
    result.rawlink(() => log('late'));
    yield* sleep(0);
    log('end');
  },

  *rawlinks_and_getters_of_an_async_result(log) {
    function* getter(name: string) {
      yield* result.get();
      log(name);
    }

    const result = new AsyncResult<string>();
    result.rawlink(() => log('link 1'));
    spawn(getter, 'getter 1');
    yield* sleep(0);
    result.rawlink(() => log('link 2'));
    spawn(getter, 'getter 2');
    yield* sleep(0);
    result.set('value');
    yield* sleep(0);
    log('main');
  },

  *wait_for_async_results(log) {
    const results = [new AsyncResult<boolean>(), new AsyncResult<boolean>()] as const;
    const indexesOf = (ready: AsyncResult<boolean>[]) => ready.map((result) => results.indexOf(result));
    spawn(function* () {
      for (const result of [results[1], results[0]]) {
        yield* sleep(20);
        result.set(result === results[0]);
      }
    });
    log(indexesOf(yield* wait(results, { count: 1 })));
    log(results.map(({ value }) => value));
    log(indexesOf(yield* wait(results)));
  },

  *a_killed_getter_of_an_async_result_hinders_nobody(log) {
    const result = new AsyncResult<string>();
    const getters = [...'abc'].map((name) =>
      spawn(function* () {
        try {
          log(name, yield* result.get());
        } finally {
          log(name, 'finally');
        }
      }),
    );
    yield* sleep(0);
    yield* getters[1]!.kill();
    result.set('value');
    yield* joinall(getters);
  },
};

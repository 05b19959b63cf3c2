/** Timeout and withTimeout. */
import { Event, joinall, SimpleQueue, sleep, spawn, Timeout, wait, withTimeout } from 'genlet';
import { attempt, KeyError, type Programs } from '../program.ts';

export const timeouts: Programs = {
  *a_timeout_ends_a_sleep(log) {
    const limit = Timeout.startNew(20);
    log('pending', limit.pending);
    try {
      yield* sleep(1000);
    } catch (error) {
      log(error === limit, limit.pending);
    }
  },

  *the_inner_of_two_timeouts_expires(log) {
    const outer = Timeout.startNew(60);
    const inner = Timeout.startNew(20);
    for (let i = 0; i < 2; i++) {
      try {
        yield* sleep(1000);
      } catch (error) {
        log(error === inner ? 'inner' : 'outer', inner.pending, outer.pending);
      }
    }
  },

  *the_outer_of_two_timeouts_expires_first(log) {
    const outer = Timeout.startNew(20);
    const inner = Timeout.startNew(60);
    try {
      try {
        yield* sleep(1000);
      } catch (error) {
        log('in the inner handler:', error === inner ? 'inner' : 'outer');
        throw error;
      } finally {
        inner.cancel();
      }
    } catch (error) {
      log('in the outer handler:', error === inner ? 'inner' : 'outer', inner.pending, outer.pending);
    }
    yield* sleep(60);
    log('no second one');
  },

  *a_timeout_of_0_expires_at_a_suspension_that_lasts(log) {
    const limit = Timeout.startNew(0);
    log('started', limit.pending);
    try {
      yield* sleep(20);
      log('slept');
    } catch (error) {
      log(error === limit);
    }
  },

  *a_timeout_of_none_never_expires(log) {
    const limit = Timeout.startNew(null);
    yield* sleep(20);
    log(limit.pending);
    limit.cancel();
  },

  *a_canceled_timeout_does_not_expire(log) {
    const limit = Timeout.startNew(20);
    yield* sleep(0);
    limit.cancel();
    log('canceled', limit.pending);
    yield* sleep(40);
    log('slept');
  },

  *a_canceled_timeout_starts_again(log) {
    const limit = Timeout.startNew(20);
    limit.cancel();
    limit.start();
    log(limit.pending);
    try {
      yield* sleep(1000);
    } catch (error) {
      log(error === limit);
    }
  },

  *a_timeout_given_to_start_new(log) {
    const limit = new Timeout(20);
    log(limit.pending, Timeout.startNew(limit) === limit, limit.pending);
    log(Timeout.startNew(limit) === limit, limit.pending);
    try {
      yield* sleep(1000);
    } catch (error) {
      log(error === limit);
    }
  },

  *a_timeout_throws_the_error_that_was_given(log) {
    const error = new KeyError();
    for (const given of [error, TypeError]) {
      const limit = Timeout.startNew(20, given);
      try {
        yield* sleep(1000);
      } catch (caught) {
        log(caught, caught === error, limit.pending);
      }
    }
  },

  *a_timeout_belongs_to_the_greenlet_that_started_it(log) {
    const greenlet = spawn(function* () {
      Timeout.startNew(20);
      try {
        yield* sleep(1000);
      } catch (error) {
        if (error instanceof Timeout) log('child');
      }
    });
    yield* sleep(40);
    log('main', greenlet.ready());
  },

  *a_timeout_can_be_caught_and_followed_by_another(log) {
    for (let turn = 0; turn < 2; turn++) {
      const limit = Timeout.startNew(20);
      try {
        yield* sleep(1000);
      } catch (error) {
        log(turn, error === limit);
      }
    }
  },

  *a_timeout_ends_a_greenlet_and_comes_out_of_get(log) {
    const greenlet = spawn(function* () {
      Timeout.startNew(20);
      yield* sleep(1000);
    });
    const limit = Timeout.startNew(60);
    try {
      yield* greenlet.get();
    } catch (error) {
      log(error === limit, error === greenlet.exception, limit.pending);
    }
    limit.cancel();
    log(greenlet.successful(), greenlet.value);
  },

  *a_timeout_passes_through_a_wait_with_a_longer_one(log) {
    const sleeper = spawn(sleep, 1000);
    const operations = {
      join: sleeper.join(60),
      get: sleeper.get({ timeout: 60 }),
      event: new Event().wait(60),
      queue: new SimpleQueue().get({ timeout: 60 }),
      wait: wait([sleeper], { timeout: 60 }),
      joinall: joinall([sleeper], { timeout: 60 }),
    };
    for (const [name, operation] of Object.entries(operations)) {
      const limit = Timeout.startNew(20);
      try {
        log(name, yield* operation);
      } catch (error) {
        log(name, error === limit);
      }
    }
    yield* sleeper.kill();
  },

  *a_wait_with_a_shorter_timeout_keeps_the_outer_one(log) {
    const outer = Timeout.startNew(60);
    try {
      log('event', yield* new Event().wait(20), outer.pending);
      yield* sleep(1000);
    } catch (error) {
      log(error === outer);
    }
  },

  *a_timeout_in_a_finally(log) {
    const limit = Timeout.startNew(20);
    try {
      try {
        yield* sleep(1000);
      } finally {
        log('cleaning', limit.pending);
        yield* sleep(20);
        log('clean');
      }
    } catch (error) {
      log(error === limit);
    }
  },

  *a_timeout_that_is_canceled_by_another_greenlet(log) {
    const limit = Timeout.startNew(40);
    spawn(function* () {
      yield* sleep(20);
      limit.cancel();
      log('canceled');
    });
    yield* sleep(70);
    log('slept');
  },

  *with_timeout_gives_the_result_or_the_value(log) {
    const body = (ms: number) =>
      function* () {
        yield* sleep(ms);
        return 'result';
      };

    log(yield* withTimeout(20, body(0), { value: 'too late' }));
    log(yield* withTimeout(20, body(1000), { value: 'too late' }));
    log(yield* withTimeout(20, body(1000), { value: undefined }));
    log(yield* withTimeout(null, body(0)));
    yield* attempt(log, 'without a value', () => withTimeout(20, body(1000)));
  },

  *with_timeout_lets_the_timeouts_of_others_through(log) {
    function* body() {
      const limit = Timeout.startNew(20);
      try {
        yield* sleep(1000);
      } catch (error) {
        log('body', error === limit);
        throw error;
      }
    }

    const outer = Timeout.startNew(100);
    try {
      log(yield* withTimeout(60, body, { value: 'value' }));
    } catch (error) {
      log('out of with_timeout', error === outer);
    }
    outer.cancel();
  },

  *with_timeout_within_with_timeout(log) {
    const inner = (ms: number) => () => withTimeout(ms, () => sleep(1000), { value: 'inner' });

    log(yield* withTimeout(50, inner(20), { value: 'outer' }));
    log(yield* withTimeout(20, inner(50), { value: 'outer' }));
  },

  *with_timeout_lets_errors_through(log) {
    const body = () => {
      throw new KeyError();
    };

    yield* attempt(log, 'with_timeout', () => withTimeout(20, body, { value: 'value' }));
    yield* sleep(30);
    log('no timeout');
  },

  *a_timeout_of_0_survives_a_sleep_of_0(log) {
    const limit = Timeout.startNew(0);
    try {
      yield* sleep(0);
      log('survived');
      yield* sleep(20);
    } catch (error) {
      log(error === limit);
    }
  },

  *a_timeout_that_expires_while_a_kill_is_on_its_way(log) {
    const greenlet = spawn(function* () {
      using limit = Timeout.startNew(60);
      try {
        yield* sleep(1000);
      } catch (error) {
        log(error === limit);
        throw error;
      }
    });
    yield* sleep(20);
    yield* greenlet.kill();
    log(greenlet.value);
  },

  *a_timeout_in_a_pipeline(log) {
    const queue = new SimpleQueue<number>();
    const worker = spawn(function* () {
      for (;;) {
        const item = yield* queue.get();
        yield* sleep(item);
        log('done', item);
      }
    });
    for (const item of [10, 100]) yield* queue.put(item);
    log('in time', yield* withTimeout(50, () => worker.join(), { value: 'no' }));
    yield* worker.kill();
  },

  *a_timeout_that_is_caught_in_a_loop(log) {
    let attempts = 0;
    while (attempts < 3) {
      const body = function* () {
        attempts++;
        yield* sleep(1000);
        log('never');
      };
      yield* withTimeout(20, body, { value: undefined });
      log('attempt', attempts);
    }
  },

  *timeouts_of_several_greenlets(log) {
    function* body(ms: number) {
      try {
        using _ = Timeout.startNew(ms);
        yield* sleep(1000);
      } catch (error) {
        if (error instanceof Timeout) log(ms);
      }
    }

    yield* joinall([60, 20, 40].map((ms) => spawn(body, ms)));
  },
};

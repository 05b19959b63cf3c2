/** Queue. */
import { type Greenlet, getHub, joinall, killall, SimpleQueue, sleep, spawn, Timeout } from 'genlet';
import { attempt, type Programs, take } from '../program.ts';

export const queues: Programs = {
  *items_come_out_in_the_order_of_their_puts(log) {
    const queue = new SimpleQueue<string>();
    for (const item of 'abc') yield* queue.put(item);
    log(queue.qsize(), queue.empty(), queue.full());
    log(yield* take(queue, 3));
    log(queue.qsize(), queue.empty());
  },

  *a_bounded_queue_between_two(log) {
    const queue = new SimpleQueue<number>(2);
    const greenlet = spawn(function* () {
      for (let item = 0; item < 5; item++) {
        yield* queue.put(item);
        log('put', item);
      }
    });
    yield* sleep(0);
    for (let i = 0; i < 5; i++) {
      log('got', yield* queue.get());
      yield* sleep(0);
    }
    yield* greenlet.join();
  },

  *getters_are_served_in_order(log) {
    const queue = new SimpleQueue<number>();
    const getters = [...'abc'].map((name) =>
      spawn(function* () {
        log(name, yield* queue.get());
      }),
    );
    yield* sleep(0);
    for (let item = 0; item < 3; item++) yield* queue.put(item);
    log('put');
    yield* joinall(getters);
  },

  *putters_are_served_in_order(log) {
    const queue = new SimpleQueue<string>(1);
    const putters = [...'abc'].map((name) =>
      spawn(function* () {
        yield* queue.put(name);
        log('put', name);
      }),
    );
    yield* sleep(0);
    for (let i = 0; i < 3; i++) {
      log('got', yield* queue.get());
      yield* sleep(0);
    }
    yield* joinall(putters);
  },

  *several_getters_and_putters(log) {
    function* putter(name: string) {
      for (const number of '12') yield* queue.put(name + number);
    }

    const queue = new SimpleQueue<string>(1);
    const getters = [spawn(take<string>, queue, 2), spawn(take<string>, queue, 2)];
    yield* joinall<Greenlet>([...getters, spawn(putter, 'a'), spawn(putter, 'b')]);
    log(
      getters.map(({ value }) => value),
      queue.qsize(),
    );
  },

  *each_of_several_workers_takes_what_is_there(log) {
    const queue = new SimpleQueue<number>(null, [0, 1, 2, 3, 4]);
    const workers = [...'ab'].map((name) =>
      spawn(function* () {
        while (!queue.empty()) {
          log(name, yield* queue.get());
          yield* sleep(0);
        }
      }),
    );
    yield* joinall(workers);
  },

  *a_putter_that_finds_a_getter_runs_on(log) {
    const queue = new SimpleQueue<string>(1);
    const greenlet = spawn(function* () {
      log('got', yield* queue.get());
    });
    yield* sleep(0);
    yield* queue.put('a');
    log('put a');
    yield* sleep(0);
    yield* queue.put('b');
    log('put b');
    yield* greenlet.join();
    log(queue.qsize());
  },

  *get_and_put_of_queues_do_not_wait_without_need(log) {
    const queue = new SimpleQueue<string>(2);
    spawn(log, 'other');
    yield* queue.put('a');
    yield* queue.put('b');
    log(queue.full(), yield* queue.get(), yield* queue.get());
    yield* sleep(0);
  },

  *polls_of_a_queue(log) {
    const queue = new SimpleQueue<string>(1);
    yield* attempt(log, 'get_nowait', () => queue.getNowait());
    yield* attempt(log, 'get', () => queue.get({ block: false }));
    yield* attempt(log, 'peek_nowait', () => queue.peekNowait());
    yield* attempt(log, 'put_nowait', () => queue.putNowait('a'));
    yield* attempt(log, 'put_nowait', () => queue.putNowait('b'));
    yield* attempt(log, 'put', () => queue.put('b', { block: false }));
    yield* attempt(log, 'peek_nowait', () => queue.peekNowait());
    yield* attempt(log, 'get_nowait', () => queue.getNowait());
  },

  *time_is_up_in_a_queue(log) {
    const queue = new SimpleQueue<string>(1);
    yield* attempt(log, 'get', () => queue.get({ timeout: 20 }));
    yield* queue.put('a');
    yield* attempt(log, 'put', () => queue.put('b', { timeout: 20 }));
    log(queue.qsize(), yield* queue.get());
    const late = spawn(attempt, log, 'get in time', () => queue.get({ timeout: 1000 }));
    yield* sleep(20);
    yield* queue.put('c');
    yield* late.join();
  },

  *a_killed_getter_loses_no_item(log) {
    const queue = new SimpleQueue<string>();
    const getters = [...'abc'].map((name) =>
      spawn(function* () {
        try {
          log(name, 'got', yield* queue.get());
        } finally {
          log(name, 'finally');
        }
      }),
    );
    yield* sleep(0);
    yield* killall(getters.slice(0, 2));
    yield* queue.put('item');
    yield* joinall(getters);
    log(queue.qsize());
  },

  *a_killed_putter_takes_its_item_along(log) {
    const queue = new SimpleQueue<string>(1);
    const putters = [...'abc'].map((name) =>
      spawn(function* () {
        try {
          yield* queue.put(name);
          log('put', name);
        } finally {
          log(name, 'finally');
        }
      }),
    );
    yield* sleep(0);
    yield* putters[1]!.kill();
    log(yield* queue.get());
    yield* sleep(0);
    log(yield* queue.get());
    yield* joinall(putters);
    log(queue.qsize());
  },

  *a_getter_that_is_killed_and_then_served(log) {
    const queue = new SimpleQueue<string>();
    const greenlet = spawn(function* () {
      try {
        log('got', yield* queue.get());
      } finally {
        log('finally');
      }
    });
    yield* sleep(0);
    greenlet.kill();
    yield* queue.put('item');
    yield* greenlet.join();
    log(queue.qsize());
  },

  *a_getter_that_is_served_and_then_killed(log) {
    const queue = new SimpleQueue<string>();
    const greenlet = spawn(function* () {
      try {
        log('got', yield* queue.get());
        yield* sleep(0);
        log('runs on');
      } finally {
        log('finally');
      }
    });
    yield* sleep(0);
    yield* queue.put('item');
    yield* greenlet.kill();
    log(queue.qsize());
  },

  *a_getter_that_times_out_loses_no_item(log) {
    function* getter(name: string, ms: number) {
      using _ = Timeout.startNew(ms);
      yield* attempt(log, name, () => queue.get());
    }

    const queue = new SimpleQueue<string>();
    const getters = [spawn(getter, 'short', 20), spawn(getter, 'long', 1000)];
    yield* sleep(40);
    yield* queue.put('item');
    yield* joinall(getters);
  },

  *peek_leaves_the_item(log) {
    const queue = new SimpleQueue<string>();
    const greenlet = spawn(function* () {
      log('peek', yield* queue.peek());
    });
    yield* sleep(0);
    yield* queue.put('a');
    yield* greenlet.join();
    yield* queue.put('b');
    log(queue.qsize(), yield* queue.peek(), yield* queue.get(), yield* queue.peek(), yield* queue.get());
    yield* attempt(log, 'peek', () => queue.peek({ timeout: 20 }));
  },

  *a_queue_filled_by_hub_callbacks(log) {
    const queue = new SimpleQueue<string>();
    const getters = [...'ab'].map((name) =>
      spawn(function* () {
        log(name, yield* queue.get());
      }),
    );
    yield* sleep(0);
    for (const item of '12') getHub().callSoon(() => queue.putNowait(item));
    log('scheduled');
    yield* joinall(getters);
  },

  *a_queue_with_initial_items(log) {
    const queue = new SimpleQueue(3, 'ab');
    log(queue.qsize(), queue.full(), yield* queue.get(), yield* queue.get());
  },

  *a_pipeline_of_bounded_queues(log) {
    const numbersIn = new SimpleQueue<number>(1);
    const numbersOut = new SimpleQueue<number>(1);
    spawn(function* () {
      for (let number = 0; number < 4; number++) yield* numbersIn.put(number);
      log('fed');
    });
    spawn(function* () {
      for (let i = 0; i < 4; i++) yield* numbersOut.put(2 * (yield* numbersIn.get()));
    });
    log(yield* take(numbersOut, 4));
  },

  *links_that_put_into_a_queue(log) {
    function* body(turns: number) {
      for (let turn = 0; turn < turns; turn++) yield* sleep(0);
      return turns;
    }

    const queue = new SimpleQueue<number | undefined>();
    for (const turns of [2, 0, 1]) spawn(body, turns).link((greenlet) => queue.put(greenlet.value));
    log(yield* take(queue, 3));
  },

  *a_peeker_before_a_getter(log) {
    const queue = new SimpleQueue<string>();
    const peeker = spawn(function* () {
      log('peek', yield* queue.peek());
    });
    const getter = spawn(function* () {
      log('get', yield* queue.get());
    });
    yield* sleep(0);
    yield* queue.put('item');
    yield* joinall([peeker, getter]);
    log(queue.qsize());
  },

  *a_peeker_behind_a_getter(log) {
    const queue = new SimpleQueue<string>();
    const getter = spawn(function* () {
      log('get', yield* queue.get());
    });
    const peeker = spawn(function* () {
      log('peek', yield* queue.peek());
    });
    yield* sleep(0);
    yield* queue.put('a');
    yield* getter.join();
    yield* queue.put('b');
    yield* joinall([getter, peeker]);
    log(queue.qsize());
  },

  *a_bounded_queue_with_slow_workers(log) {
    function* worker(name: string, ms: number) {
      for (;;) {
        const item = yield* queue.get();
        if (item === undefined) return;
        yield* sleep(ms);
        log(name, 'did', item);
      }
    }

    const queue = new SimpleQueue<number | undefined>(1);
    const workers = [spawn(worker, 'slow', 50), spawn(worker, 'quick', 20)];
    for (let item = 0; item < 3; item++) {
      yield* queue.put(item);
      log('put', item);
    }
    for (const _ of workers) yield* queue.put(undefined);
    yield* joinall(workers);
  },

  *a_timeout_in_a_put(log) {
    function* putter(name: string, ms: number) {
      try {
        using _ = Timeout.startNew(ms);
        yield* queue.put(name);
        log(name, 'put');
      } catch (error) {
        log(name, error);
      }
    }

    const queue = new SimpleQueue<string>(1, 'x');
    const putters = [spawn(putter, 'short', 20), spawn(putter, 'long', 1000)];
    yield* sleep(40);
    log(yield* queue.get());
    yield* joinall(putters);
    log(yield* queue.get(), queue.qsize());
  },
};

/** Pool, and the mapping of both. */
import { Greenlet, Group, joinall, Pool, sleep, spawn, Timeout } from 'genlet';
import { after, attempt, KeyError, listOf, type Programs } from '../program.ts';

export const pools: Programs = {
  *spawn_in_a_full_pool_waits(log) {
    function* worker(ms: number) {
      log(ms, 'begins');
      yield* sleep(ms);
      log(ms, 'ends');
    }

    const pool = new Pool(2);
    for (const ms of [50, 20, 60]) {
      log('spawn', ms);
      yield* pool.spawn(worker, ms);
    }
    log('spawned', pool.size, pool.freeCount());
    yield* pool.join();
    log('joined', pool.size, pool.freeCount());
  },

  *places_of_a_pool_are_given_in_order(log) {
    const pool = new Pool(1);
    yield* pool.spawn(sleep, 20);
    const spawners = [...'abc'].map((name) =>
      spawn(function* () {
        log(name, 'waits');
        yield* pool.spawn(sleep, 0);
        log(name, 'spawned');
      }),
    );
    yield* joinall(spawners);
    yield* pool.join();
  },

  *wait_available_of_a_pool(log) {
    const pool = new Pool(2);
    log(yield* pool.waitAvailable(), pool.full());
    yield* pool.spawn(sleep, 30);
    yield* pool.spawn(sleep, 60);
    log(pool.full(), pool.freeCount());
    log(yield* pool.waitAvailable(10), pool.full());
    log(yield* pool.waitAvailable(), pool.freeCount());
    yield* pool.join();
    log(yield* pool.waitAvailable(), pool.freeCount());
  },

  *add_to_a_full_pool(log) {
    const pool = new Pool(1);
    yield* pool.add(spawn(sleep, 60));
    for (const options of [{ block: false }, { timeout: 20 }, { timeout: 1000 }]) {
      const greenlet = new Greenlet(log, 'runs');
      try {
        yield* pool.add(greenlet, options);
        log('added', pool.size);
        yield* greenlet.kill();
      } catch (error) {
        log(error);
      }
    }
  },

  *a_pool_of_unlimited_size(log) {
    const pool = new Pool();
    for (const name of 'abc') yield* pool.spawn(log, name);
    log('spawned', pool.size, pool.full());
    yield* pool.join();
    log('joined');
  },

  *map_of_a_pool_gives_the_results_in_order(log) {
    function* work(ms: number) {
      log('begins', ms);
      yield* sleep(ms);
      log('ends', ms);
      return 2 * ms;
    }

    log(yield* new Pool(2).map(work, [50, 20, 60]));
  },

  *map_of_a_pool_throws_the_first_error_in_order(log) {
    function* work(ms: number) {
      yield* sleep(ms);
      if (ms !== 30) throw ms === 50 ? new KeyError() : new TypeError();
      log('ends', ms);
    }

    const pool = new Pool(3);
    yield* attempt(log, 'map', () => pool.map(work, [50, 10, 30]));
    log(pool.size);
  },

  *map_of_a_group(log) {
    function* work(item: string) {
      log(item);
      yield* sleep(0);
      log(item, 'ends');
      return item;
    }

    log(yield* new Group().map(work, 'ab'));
  },

  *imap_gives_the_results_in_order(log) {
    function* work(ms: number) {
      yield* sleep(ms);
      log('ends', ms);
      return ms;
    }

    using results = new Pool(3).imap(work, [70, 20, 45]);
    for (let step; !(step = yield* results.next()).done; ) log('result', step.value);
  },

  *imap_unordered_gives_the_results_as_they_come(log) {
    log(yield* listOf(new Pool(3).imapUnordered((ms) => after(ms, ms), [70, 20, 45])));
  },

  *imap_throws_an_error_at_its_place_and_goes_on(log) {
    const work = (item: number) => {
      if (item === 1) throw new KeyError();
      return item;
    };

    using results = new Pool(2).imap(work, [0, 1, 2]);
    for (let i = 0; i < 4; i++) {
      try {
        const step = yield* results.next();
        log(step.done ? 'end' : step.value);
      } catch (error) {
        log(error);
      }
    }
  },

  *imap_unordered_throws_errors_and_goes_on(log) {
    function* work(ms: number) {
      yield* sleep(ms);
      if (ms === 40) throw new KeyError();
      return ms;
    }

    using results = new Pool(3).imapUnordered(work, [60, 40, 20]);
    for (let i = 0; i < 4; i++) {
      try {
        const step = yield* results.next();
        log(step.done ? 'end' : step.value);
      } catch (error) {
        log(error);
      }
    }
  },

  *imap_of_items_that_fail(log) {
    function* items() {
      yield 1;
      yield 2;
      throw new KeyError();
    }

    using results = new Pool(2).imap((item) => 10 * item, items());
    try {
      for (;;) log((yield* results.next()).value);
    } catch (error) {
      log(error);
    }
  },

  *imap_in_a_small_pool(log) {
    function* work(item: number) {
      log('begins', item);
      yield* sleep(20);
      return item;
    }

    log(yield* listOf(new Pool(1).imap(work, [0, 1, 2])));
  },

  *imap_of_nothing(log) {
    const fromPool = yield* listOf(new Pool(1).imap(log, []));
    const fromGroup = yield* listOf(new Group().imapUnordered(log, []));
    log(fromPool, fromGroup, yield* new Group().map(log, []));
  },

  *kill_of_a_pool(log) {
    const ended: string[] = [];
    function* worker(name: string) {
      try {
        yield* sleep(1000);
      } finally {
        ended.push(name);
      }
    }

    const pool = new Pool(3);
    const members: Greenlet<void>[] = [];
    for (const name of 'abc') members.push(yield* pool.spawn(worker, name));
    yield* sleep(0);
    log('kill', yield* pool.kill(), ended.sort(), pool.size, pool.freeCount());
    log(members.map(({ value }) => value));
  },

  *kill_of_a_pool_with_members_that_have_not_begun(log) {
    const pool = new Pool(3);
    yield* pool.spawn(log, 'runs');
    yield* pool.kill();
    log(pool.size);
  },

  *apply_waits_for_the_result(log) {
    const pool = new Pool(1);
    log(yield* pool.apply(after, 20, 'value'));
    yield* attempt(log, 'apply', () =>
      pool.apply(() => {
        throw new KeyError();
      }),
    );
    log(pool.size);
  },

  *apply_async_does_not_wait(log) {
    const pool = new Pool(1);
    const greenlets = [...'abc'].map((name) => pool.applyAsync(after, 20, name));
    log('applied');
    log((yield* joinall(greenlets)).map(({ value }) => value));
  },

  *map_async_does_not_wait(log) {
    const greenlet = new Pool(2).mapAsync((item) => after(20, item), [1, 2, 3]);
    log('mapping', greenlet.ready());
    log(yield* greenlet.get());
  },

  *a_timeout_in_the_spawn_of_a_full_pool(log) {
    const pool = new Pool(1);
    yield* pool.spawn(sleep, 60);
    const limit = Timeout.startNew(20);
    try {
      yield* pool.spawn(log, 'runs');
    } catch (error) {
      log(error === limit, pool.size, pool.freeCount());
    }
    yield* pool.join();
    log(pool.size, pool.freeCount());
  },

  *a_killed_spawner_of_a_full_pool(log) {
    const pool = new Pool(1);
    yield* pool.spawn(sleep, 20);
    const spawners = [...'ab'].map((name) =>
      spawn(function* () {
        yield* pool.spawn(log, name, 'runs');
      }),
    );
    yield* sleep(0);
    yield* spawners[0]!.kill();
    yield* joinall(spawners);
    yield* pool.join();
    log(pool.freeCount());
  },

  *a_pool_takes_the_next_when_one_fails(log) {
    function* work(item: number) {
      log('begins', item);
      yield* sleep(0);
      if (item === 0) throw new KeyError();
    }

    const pool = new Pool(1);
    const greenlets: Greenlet<void>[] = [];
    for (const item of [0, 1, 2]) greenlets.push(yield* pool.spawn(work, item));
    yield* pool.join();
    log(greenlets.map((greenlet) => greenlet.successful()));
  },

  *imap_unordered_in_a_small_pool(log) {
    log(yield* listOf(new Pool(2).imapUnordered((ms) => after(ms, ms), [80, 20, 35])));
  },

  *map_of_a_pool_within_a_pool(log) {
    const inner = (item: number) => after(10, 10 * item);
    const outer = (item: number) => new Pool(2).map(inner, [item, item + 1]);

    log(yield* new Pool(2).map(outer, [1, 2, 3]));
  },

  *apply_async_of_a_failure(log) {
    const group = new Group();
    const greenlet = group.applyAsync(function* () {
      yield* sleep(0);
      throw new KeyError();
    });
    yield* attempt(log, 'get', () => greenlet.get());
    yield* group.join();
    log(group.size);
  },
};

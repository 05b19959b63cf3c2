/** Semaphore, BoundedSemaphore, RLock. */
import { BoundedSemaphore, joinall, killall, RLock, Semaphore, sleep, spawn, Timeout, wait } from 'genlet';
import type { Programs } from '../program.ts';

export const locks: Programs = {
  *permits_of_a_semaphore(log) {
    const semaphore = new Semaphore(2);
    log(semaphore.counter, semaphore.locked());
    log(yield* semaphore.acquire(), semaphore.counter, semaphore.locked());
    log(yield* semaphore.acquire({ block: false }), semaphore.counter, semaphore.locked());
    log(yield* semaphore.acquire({ block: false }), semaphore.counter);
    semaphore.release();
    semaphore.release();
    semaphore.release();
    log(semaphore.counter, semaphore.locked());
  },

  *waiters_of_a_semaphore_wake_in_order(log) {
    const semaphore = new Semaphore(1);
    const workers = [...'abc'].map((name) =>
      spawn(function* () {
        log(name, yield* semaphore.acquire());
        yield* sleep(0);
        log(name, 'releases');
        semaphore.release();
      }),
    );
    yield* joinall(workers);
    log(semaphore.counter);
  },

  *a_semaphore_with_two_permits(log) {
    function* worker(name: string, turns: number) {
      using _ = yield* semaphore.hold();
      log(name, 'in');
      for (let turn = 0; turn < turns; turn++) yield* sleep(0);
      log(name, 'out');
    }

    const semaphore = new Semaphore(2);
    yield* joinall([spawn(worker, 'a', 5), spawn(worker, 'b', 1), spawn(worker, 'c', 1), spawn(worker, 'd', 3)]);
    log(semaphore.counter);
  },

  *several_permits_released_at_once(log) {
    const semaphore = new Semaphore(0);
    const waiters = [...'abc'].map((name) =>
      spawn(function* () {
        yield* semaphore.acquire();
        log(name);
      }),
    );
    yield* sleep(0);
    for (let i = 0; i < 2; i++) semaphore.release();
    log('released');
    yield* sleep(0);
    log('main');
    semaphore.release();
    yield* joinall(waiters);
  },

  *the_releaser_of_a_semaphore_comes_again_after_sleeping(log) {
    const semaphore = new Semaphore(1);
    const workers = [...'abc'].map((name) =>
      spawn(function* () {
        for (let turn = 0; turn < 2; turn++) {
          yield* semaphore.acquire();
          log(name, turn);
          yield* sleep(0);
          semaphore.release();
          yield* sleep(0);
        }
      }),
    );
    yield* joinall(workers);
  },

  *a_semaphore_with_a_timeout(log) {
    function* waiter(name: string, timeout: number) {
      log(name, yield* semaphore.acquire({ timeout }));
    }

    const semaphore = new Semaphore(0);
    log('poll', yield* semaphore.acquire({ timeout: 0 }));
    const waiters = [spawn(waiter, 'short', 20), spawn(waiter, 'long', 1000)];
    yield* sleep(40);
    semaphore.release();
    yield* joinall(waiters);
    log(semaphore.counter);
  },

  *a_timeout_in_the_wait_for_a_semaphore(log) {
    const semaphore = new Semaphore(0);
    const limit = Timeout.startNew(20);
    try {
      yield* semaphore.acquire({ timeout: 1000 });
    } catch (error) {
      log(error === limit);
    }
    semaphore.release();
    log(semaphore.counter);
  },

  *killed_waiters_of_a_semaphore_take_no_permit(log) {
    const semaphore = new Semaphore(0);
    const waiters = [...'abc'].map((name) =>
      spawn(function* () {
        try {
          yield* semaphore.acquire();
          log(name);
        } finally {
          log(name, 'finally');
        }
      }),
    );
    yield* sleep(0);
    yield* killall(waiters.slice(0, 2));
    semaphore.release();
    yield* joinall(waiters);
    log(semaphore.counter);
  },

  *wait_of_a_semaphore_takes_no_permit(log) {
    const semaphore = new Semaphore(2);
    log(yield* semaphore.wait(), semaphore.counter);
    yield* semaphore.acquire();
    yield* semaphore.acquire();
    log('too short', yield* semaphore.wait(20));
    const greenlet = spawn(function* () {
      log('wait', yield* semaphore.wait());
    });
    yield* sleep(0);
    semaphore.release();
    yield* greenlet.join();
    log(semaphore.counter);
  },

  *over_release_of_a_bounded_semaphore(log) {
    const semaphore = new BoundedSemaphore(1);
    yield* semaphore.acquire();
    semaphore.release();
    try {
      semaphore.release();
    } catch {
      log('error');
    }
    log(semaphore.counter);
  },

  *hand_over_of_a_bounded_semaphore(log) {
    const semaphore = new BoundedSemaphore(1);
    const workers = [...'abc'].map((name) =>
      spawn(function* () {
        using _ = yield* semaphore.hold();
        log(name, 'in');
        yield* sleep(20);
        log(name, 'out');
      }),
    );
    yield* joinall(workers);
    log(semaphore.counter);
  },

  *an_rlock_is_acquired_again_by_its_owner(log) {
    const lock = new RLock();
    log(yield* lock.acquire(), yield* lock.acquire());
    const greenlet = spawn(function* () {
      log('other waits');
      using _ = yield* lock.hold();
      log('other in');
    });
    yield* sleep(0);
    lock.release();
    yield* sleep(0);
    log('released once');
    lock.release();
    log('released twice');
    yield* greenlet.join();
  },

  *release_of_an_rlock_by_another(log) {
    const lock = new RLock();
    const release = (name: string) => {
      try {
        lock.release();
      } catch {
        log(name, 'error');
      }
    };

    yield* lock.acquire();
    yield* spawn(release, 'other:').join();
    lock.release();
    release('main:');
  },

  *an_rlock_with_a_timeout(log) {
    const lock = new RLock();
    function* other() {
      log(yield* lock.acquire({ block: false }), yield* lock.acquire({ timeout: 20 }));
    }

    yield* lock.acquire();
    yield* spawn(other).join();
    lock.release();
    yield* spawn(other).join();
  },

  *waiters_of_an_rlock_wake_in_order(log) {
    const lock = new RLock();
    const workers = [...'abc'].map((name) =>
      spawn(function* () {
        using _ = yield* lock.hold();
        log(name, 'in');
        {
          using _ = yield* lock.hold();
          yield* sleep(0);
        }
        log(name, 'out');
      }),
    );
    yield* joinall(workers);
  },

  *a_holder_that_is_killed_releases_the_lock(log) {
    const lock = new RLock();
    const workers = [...'ab'].map((name) =>
      spawn(function* () {
        using _ = yield* lock.hold();
        log(name, 'in');
        yield* sleep(name === 'a' ? 1000 : 0);
      }),
    );
    yield* sleep(0);
    yield* workers[0]!.kill();
    yield* joinall(workers);
    log(workers[0]!.successful());
  },

  *rawlink_to_a_semaphore(log) {
    const semaphore = new Semaphore(0);
    semaphore.rawlink((s) => log('link', s.counter));
    yield* sleep(0);
    log('released', semaphore.release());
    yield* sleep(0);
    log('main', semaphore.counter);
  },

  *wait_for_semaphores(log) {
    const semaphores = [new Semaphore(0), new Semaphore(0)];
    spawn(function* () {
      yield* sleep(20);
      semaphores[1]!.release();
    });
    log((yield* wait(semaphores, { timeout: 50 })).map((semaphore) => semaphores.indexOf(semaphore)));
    log(semaphores.map(({ counter }) => counter));
  },

  *watchers_of_a_semaphore_wake_in_order(log) {
    const semaphore = new Semaphore(0);
    const watchers = [...'abc'].map((name) =>
      spawn(function* () {
        log(name, yield* semaphore.wait());
      }),
    );
    yield* sleep(0);
    semaphore.release();
    log('released');
    yield* joinall(watchers);
    log(semaphore.counter);
  },

  *a_killed_waiter_of_an_rlock(log) {
    const lock = new RLock();
    yield* lock.acquire();
    const workers = [...'abc'].map((name) =>
      spawn(function* () {
        using _ = yield* lock.hold();
        log(name, 'in');
      }),
    );
    yield* sleep(0);
    yield* workers[0]!.kill();
    lock.release();
    yield* joinall(workers);
    log(workers.map((greenlet) => greenlet.successful()));
  },

  *philosophers(log) {
    const forks = [new Semaphore(1), new Semaphore(1), new Semaphore(1)];
    const philosophers = [0, 1, 2].map((seat) =>
      spawn(function* () {
        const [first, second] = [seat, (seat + 1) % 3].sort();
        {
          using _ = yield* forks[first!]!.hold();
          yield* sleep(0);
          using __ = yield* forks[second!]!.hold();
          log(seat, 'eats');
          yield* sleep(0);
        }
        log(seat, 'is done');
      }),
    );
    yield* joinall(philosophers);
  },

  *a_timeout_on_a_lock_that_is_handed_over_later(log) {
    function* waiter(name: string, timeout: number) {
      log(name, yield* lock.acquire({ timeout }));
    }

    const lock = new Semaphore(1);
    yield* lock.acquire();
    const waiters = [spawn(waiter, 'short', 20), spawn(waiter, 'long', 1000)];
    yield* sleep(40);
    lock.release();
    yield* joinall(waiters);
    log(lock.counter);
  },
};

/** Event. */
import { Event, getHub, joinall, sleep, spawn, Timeout } from 'genlet';
import { KeyError, type Programs } from '../program.ts';

export const events: Programs = {
  *waiters_of_an_event_wake_in_order(log) {
    const event = new Event();
    const waiters = [...'abc'].map((name) =>
      spawn(function* () {
        log(name, yield* event.wait());
      }),
    );
    yield* sleep(0);
    event.set();
    log('set', event.isSet());
    yield* joinall(waiters);
  },

  *wait_for_an_event_that_is_set_does_not_suspend(log) {
    const event = new Event();
    event.set();
    spawn(log, 'other');
    log(yield* event.wait(), yield* event.wait(0), yield* event.wait(1000));
    yield* sleep(0);
  },

  *set_and_clear_at_once_wake_everybody(log) {
    const event = new Event();
    const waiters = [...'ab'].map((name) =>
      spawn(function* () {
        log(name, yield* event.wait(), event.isSet());
      }),
    );
    yield* sleep(0);
    event.set();
    event.clear();
    log('cleared', event.isSet());
    yield* joinall(waiters);
  },

  *event_that_is_set_cleared_and_set(log) {
    function* waiter(name: string) {
      log(name, yield* event.wait());
    }

    const event = new Event();
    const one = spawn(waiter, 'one');
    yield* sleep(0);
    event.set();
    event.clear();
    const two = spawn(waiter, 'two');
    yield* sleep(0);
    log('again');
    event.set();
    yield* joinall([one, two]);
  },

  *waiters_that_arrive_during_notification(log) {
    function* first() {
      log('first', yield* event.wait());
      event.clear();
      log('first', yield* event.wait());
    }

    function* second() {
      log('second', yield* event.wait());
      log('second', yield* event.wait(20));
    }

    const event = new Event();
    const waiters = [spawn(first), spawn(second)];
    yield* sleep(0);
    event.set();
    yield* sleep(0);
    log('main');
    yield* sleep(40);
    event.set();
    yield* joinall(waiters);
  },

  *a_spawned_waiter_of_a_set_event_goes_behind_the_blocked(log) {
    function* waiter(name: string) {
      log(name, yield* event.wait());
    }

    const event = new Event();
    const waiters = [spawn(waiter, 'blocked 1'), spawn(waiter, 'blocked 2')];
    yield* sleep(0);
    event.set();
    waiters.push(spawn(waiter, 'spawned'));
    yield* joinall(waiters);
  },

  *wait_for_an_event_with_a_timeout(log) {
    function* waiter(name: string, timeout: number | null) {
      log(name, yield* event.wait(timeout));
    }

    const event = new Event();
    log('poll', yield* event.wait(0));
    const waiters = [spawn(waiter, 'short', 20), spawn(waiter, 'long', 1000), spawn(waiter, 'ever', null)];
    yield* sleep(40);
    log('set');
    event.set();
    yield* joinall(waiters);
  },

  *a_killed_waiter_of_an_event_hinders_nobody(log) {
    const event = new Event();
    const waiters = [...'abc'].map((name) =>
      spawn(function* () {
        try {
          log(name, yield* event.wait());
        } finally {
          log(name, 'finally');
        }
      }),
    );
    yield* sleep(0);
    yield* waiters[1]!.kill();
    event.set();
    yield* joinall(waiters);
  },

  *an_event_set_by_a_hub_callback(log) {
    const event = new Event();
    const greenlet = spawn(function* () {
      log('waiter', yield* event.wait());
    });
    yield* sleep(0);
    getHub().callSoon(() => event.set());
    log('scheduled', event.isSet());
    yield* greenlet.join();
    log(event.isSet());
  },

  *rawlinks_of_an_event(log) {
    const event = new Event();
    event.rawlink((e) => log('one', e === event, e.isSet()));
    event.rawlink(() => log('two'));
    event.set();
    log('set');
    yield* sleep(0);
    log('main');
  },

  *rawlink_to_an_event_that_is_set(log) {
    const event = new Event();
    event.set();
    event.rawlink(() => log('link'));
    log('linked');
    yield* sleep(0);
    log('main');
  },

  *unlink_from_an_event(log) {
    const link = () => log('link');
    const event = new Event();
    event.rawlink(link);
    event.unlink(link);
    event.set();
    yield* sleep(0);
    log('main');
  },

  *rawlinks_and_waiters_of_an_event(log) {
    function* waiter(name: string) {
      yield* event.wait();
      log(name);
    }

    const event = new Event();
    event.rawlink(() => log('link 1'));
    spawn(waiter, 'waiter 1');
    yield* sleep(0);
    event.rawlink(() => log('link 2'));
    spawn(waiter, 'waiter 2');
    yield* sleep(0);
    event.set();
    yield* sleep(0);
    log('main');
  },

  *an_event_as_a_turnstile(log) {
    const event = new Event();
    const runners = [...'ab'].map((name) =>
      spawn(function* () {
        for (let lap = 0; lap < 3; lap++) {
          yield* event.wait();
          log(name, lap);
        }
      }),
    );
    yield* sleep(0);
    for (let lap = 0; lap < 3; lap++) {
      log('lap', lap);
      event.set();
      event.clear();
      yield* sleep(0);
    }
    yield* joinall(runners);
  },

  *a_timeout_in_the_wait_for_an_event(log) {
    function* waiter(name: string, ms: number) {
      using limit = Timeout.startNew(ms);
      try {
        log(name, yield* event.wait());
      } catch (error) {
        log(name, error === limit);
      }
    }

    const event = new Event();
    const waiters = [spawn(waiter, 'short', 20), spawn(waiter, 'long', 1000)];
    yield* sleep(40);
    event.set();
    yield* joinall(waiters);
  },

  *an_event_set_by_a_link(log) {
    const event = new Event();
    const greenlet = spawn(function* () {
      log('waiter', yield* event.wait());
    });
    spawn(() => log('body')).rawlink(() => event.set());
    yield* greenlet.join();
  },

  *an_event_set_twice_before_its_waiters_run(log) {
    const event = new Event();
    const greenlet = spawn(function* () {
      for (let turn = 0; turn < 2; turn++) log('waiter', turn, yield* event.wait());
    });
    yield* sleep(0);
    event.set();
    event.set();
    yield* greenlet.join();
  },

  *two_events_set_in_one_pass(log) {
    function* waiter(name: string, event: Event) {
      yield* event.wait();
      log(name);
    }

    const one = new Event();
    const two = new Event();
    const waiters = [
      spawn(waiter, '1a', one),
      spawn(waiter, '2a', two),
      spawn(waiter, '1b', one),
      spawn(waiter, '2b', two),
    ];
    yield* sleep(0);
    two.set();
    one.set();
    yield* joinall(waiters);
  },

  *unlink_from_an_event_while_its_links_are_called(log) {
    function one() {
      log('one');
      event.unlink(two);
    }

    function two() {
      log('two');
    }

    function three() {
      log('three');
    }

    const event = new Event();
    for (const link of [one, two, three]) event.rawlink(link);
    event.set();
    yield* sleep(0);
    log('main');
  },

  *a_link_of_an_event_that_fails_stops_nobody(log) {
    const event = new Event();
    event.rawlink(() => {
      log('fails');
      throw new KeyError();
    });
    const greenlet = spawn(function* () {
      log('waiter', yield* event.wait());
    });
    yield* sleep(0);
    event.rawlink(() => log('link'));
    event.set();
    yield* greenlet.join();
    yield* sleep(0);
  },
};

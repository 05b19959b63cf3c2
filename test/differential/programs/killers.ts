/** What a kill means to the killer and to others; killall. */
import { Event, Greenlet, GreenletExit, getcurrent, joinall, killall, type Operation, sleep, spawn } from 'genlet';
import { endingOf, KeyError, type Log, type Programs } from '../program.ts';

function* sleepAndLogFinally(log: Log) {
  try {
    yield* sleep(1000);
  } finally {
    log('finally');
  }
}

export const killers: Programs = {
  *kill_waits_for_a_finally_that_suspends(log) {
    const greenlet = spawn(function* () {
      try {
        yield* sleep(1000);
      } finally {
        log('cleaning');
        yield* sleep(20);
        log('clean');
      }
    });
    yield* sleep(0);
    yield* greenlet.kill();
    log('killed');
  },

  *kill_that_does_not_wait(log) {
    const greenlet = spawn(function* () {
      try {
        yield* sleep(1000);
      } finally {
        log('cleaning');
        yield* sleep(0);
        log('clean');
      }
    });
    yield* sleep(0);
    yield* greenlet.kill(undefined, { block: false });
    log('killed', greenlet.dead);
    yield* greenlet.join();
    log('joined', greenlet.dead);
  },

  *kill_with_a_timeout(log) {
    const greenlet = spawn(function* () {
      try {
        yield* sleep(1000);
      } finally {
        yield* sleep(40);
        log('clean');
      }
    });
    yield* sleep(0);
    log('kill', yield* greenlet.kill(undefined, { timeout: 20 }), greenlet.dead);
    yield* greenlet.join();
    log('joined', greenlet.dead);
  },

  *kill_of_oneself(log) {
    const greenlet = spawn(function* () {
      try {
        yield* (getcurrent() as Greenlet).kill();
        log('runs on');
      } finally {
        log('finally');
      }
    });
    yield* greenlet.join();
    log(endingOf(greenlet));
  },

  *kill_by_a_sibling_that_was_woken_before(log) {
    const event = new Event();
    const last = spawn(function* () {
      log('killer', yield* event.wait());
      yield* target.kill();
      log('killed');
    });
    const target = spawn(function* () {
      try {
        log('victim', yield* event.wait());
        yield* sleep(1000);
      } finally {
        log('victim finally');
      }
    });
    yield* sleep(0);
    event.set();
    yield* last.join();
    log(endingOf(target));
  },

  *kill_of_a_joiner_and_of_a_getter(log) {
    function* joiner(name: string, operation: Operation<void>) {
      try {
        yield* operation;
        log(name, 'runs on');
      } finally {
        log(name, 'finally');
      }
    }

    const target = spawn(sleep, 20);
    const waiters = [spawn(joiner, 'join', target.join()), spawn(joiner, 'get', target.get())];
    yield* sleep(0);
    yield* killall(waiters);
    yield* target.join();
    log(waiters.map(endingOf));
    log(target.successful(), target.value);
  },

  *kill_from_a_link(log) {
    const victim = spawn(sleepAndLogFinally, log);
    const first = spawn(sleep, 0);
    first.rawlink(() => void victim.kill());
    yield* victim.join();
    log(endingOf(victim));
  },

  *kill_takes_along_a_child_through_finally(log) {
    function* child() {
      try {
        yield* sleep(1000);
      } finally {
        log('child finally');
      }
    }

    function* parent() {
      const greenlet = spawn(child);
      try {
        yield* greenlet.join();
      } finally {
        log('parent finally');
        yield* greenlet.kill();
        log('parent end');
      }
    }

    const greenlet = spawn(parent);
    yield* sleep(0);
    yield* sleep(0);
    yield* greenlet.kill();
    log('main', greenlet.dead);
  },

  *killall_ends_the_blocked_in_order(log) {
    function* body(name: string) {
      try {
        yield* sleep(1000);
      } finally {
        log(name, 'finally');
      }
    }

    const greenlets = [...'abc'].map((name) => spawn(body, name));
    yield* sleep(0);
    log('killall', yield* killall(greenlets));
    log(greenlets.map(({ value }) => value));
  },

  *killall_of_some_that_have_not_begun(log) {
    function* body(name: string) {
      try {
        log(name, 'runs');
        yield* sleep(1000);
      } finally {
        log(name, 'finally');
      }
    }

    const begun = spawn(body, 'begun');
    yield* sleep(0);
    const scheduled = spawn(body, 'scheduled');
    const unstarted = new Greenlet<void>(body, 'unstarted');
    yield* killall([unstarted, scheduled, begun]);
    log([begun, scheduled, unstarted].map(endingOf));
  },

  *killall_waits_for_a_finally_that_suspends(log) {
    function* body(ms: number) {
      try {
        yield* sleep(1000);
      } finally {
        yield* sleep(ms);
        log(ms);
      }
    }

    const greenlets = [50, 10, 30].map((ms) => spawn(body, ms));
    yield* sleep(0);
    yield* killall(greenlets);
    log('killed');
  },

  *killall_with_a_timeout(log) {
    function* body() {
      try {
        yield* sleep(1000);
      } finally {
        yield* sleep(40);
        log('clean');
      }
    }

    const greenlets = [spawn(body), spawn(sleep, 1000)];
    yield* sleep(0);
    try {
      yield* killall(greenlets, undefined, { timeout: 20 });
    } catch (error) {
      log(
        error,
        greenlets.map(({ dead }) => dead),
      );
    }
    yield* joinall(greenlets);
    log('joined');
  },

  *killall_with_another_error(log) {
    const greenlets = [spawn(sleep, 1000), spawn(sleep, 1000)];
    yield* sleep(0);
    yield* killall(greenlets, new KeyError());
    log(greenlets.map(endingOf));
  },

  *killall_with_one_that_catches_and_carries_on(log) {
    function* stubborn() {
      try {
        yield* sleep(1000);
      } catch (error) {
        if (error instanceof GreenletExit) log('caught');
      }
      yield* sleep(20);
      return 'value';
    }

    const greenlets: Greenlet<unknown>[] = [spawn(stubborn), spawn(sleep, 1000)];
    yield* sleep(0);
    yield* killall(greenlets);
    log(greenlets.map(({ value }) => value));
  },

  *kill_while_it_waits_for_one_that_ends(log) {
    const target = spawn(() => 'value');
    const greenlet = spawn(function* () {
      try {
        log('got', yield* target.get());
      } finally {
        log('finally');
      }
    });
    yield* target.join();
    yield* greenlet.kill();
    log(endingOf(greenlet));
  },

  *kill_of_a_greenlet_that_kills(log) {
    const target = spawn(function* () {
      try {
        yield* sleep(1000);
      } finally {
        yield* sleep(20);
        log('stubborn ends');
      }
    });
    const last = spawn(function* () {
      try {
        yield* target.kill();
      } finally {
        log('killer finally');
      }
    });
    yield* sleep(0);
    yield* sleep(0);
    yield* last.kill();
    log('killed', target.dead);
    yield* target.join();
  },

  *links_of_a_killed_greenlet(log) {
    const greenlet = spawn(sleep, 1000);
    greenlet.linkValue((g) => log('link_value', g.value));
    greenlet.linkException(() => log('link_exception'));
    greenlet.rawlink((g) => log('rawlink', g.successful()));
    yield* sleep(0);
    greenlet.kill();
    yield* sleep(0);
    yield* sleep(0);
    log('main');
  },

  *killall_of_ended_greenlets(log) {
    const greenlets: Greenlet<unknown>[] = [spawn(() => 'value'), spawn(sleep, 1000)];
    yield* sleep(0);
    yield* killall(greenlets);
    yield* killall(greenlets);
    yield* killall([]);
    log(greenlets.map(({ value }) => value));
  },
};

/** What a kill does to the killed, in every state. */
import { Event, Greenlet, isExit, sleep, spawn, spawnLater } from 'genlet';
import { attempt, endingOf, KeyError, type Log, type Programs } from '../program.ts';

function* sleepAndLogFinally(log: Log) {
  try {
    yield* sleep(1000);
  } finally {
    log('finally');
  }
}

export const kill: Programs = {
  *kill_of_an_unstarted_greenlet(log) {
    const greenlet = new Greenlet(log, 'runs');
    greenlet.rawlink(() => log('link'));
    log('kill', yield* greenlet.kill());
    log(endingOf(greenlet));
    greenlet.start();
    yield* sleep(0);
    log('main', greenlet.dead);
  },

  *kill_of_a_greenlet_that_has_not_begun(log) {
    const greenlet = spawn(log, 'runs');
    greenlet.rawlink(() => log('link'));
    greenlet.kill();
    log('killed');
    yield* greenlet.join();
    log(endingOf(greenlet));
  },

  *kill_before_a_delayed_start(log) {
    const greenlet = spawnLater(20, log, 'runs');
    yield* greenlet.kill();
    log(endingOf(greenlet));
    yield* sleep(40);
    log('main');
  },

  *kill_of_a_sleeper(log) {
    const greenlet = spawn(function* () {
      try {
        yield* sleep(1000);
      } catch (error) {
        log('caught', error);
        throw error;
      } finally {
        log('finally');
      }
    });
    yield* sleep(0);
    log('kill', yield* greenlet.kill());
    log(endingOf(greenlet));
  },

  *kill_is_thrown_in_the_next_pass(log) {
    const greenlet = spawn(sleepAndLogFinally, log);
    yield* sleep(0);
    spawn(log, 'spawned before');
    greenlet.kill();
    spawn(log, 'spawned after');
    log('killed', greenlet.dead);
    yield* sleep(0);
    log('main', greenlet.dead);
  },

  *kill_of_one_that_is_ready_after_sleep_0(log) {
    const greenlet = spawn(function* () {
      try {
        yield* sleep(0);
        yield* sleep(0);
        log('runs on');
      } finally {
        log('finally');
      }
    });
    yield* sleep(0);
    yield* greenlet.kill();
    log(endingOf(greenlet));
  },

  *kill_that_is_caught(log) {
    const greenlet = spawn(function* () {
      try {
        yield* sleep(1000);
      } catch (error) {
        if (isExit(error)) log('caught');
      }
      yield* sleep(20);
      log('carried on');
      return 'value';
    });
    yield* sleep(0);
    yield* greenlet.kill();
    log(endingOf(greenlet));
  },

  *kill_that_is_answered_with_an_error(log) {
    const greenlet = spawn(function* () {
      try {
        yield* sleep(1000);
      } catch {
        throw new KeyError();
      }
    });
    yield* sleep(0);
    yield* greenlet.kill();
    log(endingOf(greenlet));
  },

  *kill_with_another_error(log) {
    const greenlet = spawn(sleepAndLogFinally, log);
    yield* sleep(0);
    yield* greenlet.kill(new KeyError());
    log(endingOf(greenlet));
    yield* attempt(log, 'get', () => greenlet.get());
  },

  *kill_of_an_unstarted_greenlet_with_another_error(log) {
    const greenlet = new Greenlet(log, 'runs');
    yield* greenlet.kill(new KeyError());
    log(endingOf(greenlet));
    yield* attempt(log, 'get', () => greenlet.get());
  },

  *kill_of_an_ended_greenlet(log) {
    const greenlet = spawn(() => 'value');
    yield* greenlet.join();
    yield* greenlet.kill();
    log(endingOf(greenlet));
  },

  *a_second_kill_during_a_finally_is_thrown_into_it(log) {
    function* clean() {
      log('cleaning');
      try {
        yield* sleep(40);
        log('clean');
      } catch (error) {
        if (isExit(error)) log('killed again');
        throw error;
      }
    }

    const greenlet = spawn(function* () {
      try {
        yield* sleep(1000);
      } finally {
        yield* clean();
      }
    });
    yield* sleep(0);
    greenlet.kill();
    yield* sleep(20);
    yield* greenlet.kill();
    log(endingOf(greenlet));
  },

  *kill_of_one_that_was_woken_before(log) {
    const event = new Event();
    const greenlet = spawn(function* () {
      try {
        log('wait', yield* event.wait());
        yield* sleep(0);
        log('runs on');
      } finally {
        log('finally');
      }
    });
    yield* sleep(0);
    event.set();
    yield* greenlet.kill();
    log(endingOf(greenlet));
  },

  *kill_of_one_that_is_woken_afterwards(log) {
    const event = new Event();
    const greenlet = spawn(function* () {
      try {
        log('wait', yield* event.wait());
      } finally {
        log('finally');
      }
    });
    yield* sleep(0);
    greenlet.kill();
    event.set();
    yield* greenlet.join();
    log(endingOf(greenlet));
  },

  *kill_of_a_greenlet_in_a_nested_call(log) {
    function* inner() {
      try {
        yield* sleep(1000);
      } finally {
        log('inner');
      }
    }

    const greenlet = spawn(function* () {
      try {
        yield* inner();
      } catch (error) {
        log('outer', error);
        throw error;
      } finally {
        log('outer finally');
      }
    });
    yield* sleep(0);
    yield* greenlet.kill();
    log(endingOf(greenlet));
  },

  *kill_in_a_loop_of_catches(log) {
    const greenlet = spawn(function* () {
      for (let life = 0; life < 3; life++) {
        try {
          yield* sleep(1000);
        } catch (error) {
          if (isExit(error)) log('life', life);
        }
      }
      return 'value';
    });
    yield* sleep(0);
    for (let i = 0; i < 3; i++) {
      greenlet.kill();
      yield* sleep(0);
    }
    yield* greenlet.join();
    log(endingOf(greenlet));
  },
};

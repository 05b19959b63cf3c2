/** Spawning, sleeping and states. */
import { type Coroutine, Greenlet, GreenletExit, getHub, idle, joinall, sleep, spawn, spawnLater } from 'genlet';
import { KeyError, type Programs } from '../program.ts';

export const greenlets: Programs = {
  *order_of_spawns(log) {
    for (const name of 'abc') spawn(log, name);
    log('spawned');
    yield* sleep(0);
    log('main');
  },

  *spawn_within_spawn(log) {
    function parent(name: string) {
      log(name);
      for (const child of '12') spawn(log, name + child);
      log(name, 'end');
    }

    spawn(parent, 'a');
    spawn(parent, 'b');
    yield* sleep(0);
    log('main 1');
    yield* sleep(0);
    log('main 2');
  },

  *turns_of_sleep_0(log) {
    function* worker(name: string) {
      for (let turn = 0; turn < 3; turn++) {
        log(name, turn);
        yield* sleep(0);
      }
      log(name, 'end');
    }

    yield* joinall([...'abc'].map((name) => spawn(worker, name)));
    log('main');
  },

  *sleep_0_before_a_spawn_comes_first(log) {
    function* first() {
      log('first');
      yield* sleep(0);
      log('first again');
    }

    function* second() {
      spawn(log, 'child');
      yield* sleep(0);
      log('second');
    }

    spawn(first);
    spawn(second);
    for (let turn = 0; turn < 3; turn++) {
      yield* sleep(0);
      log('main', turn);
    }
  },

  *sleeps_end_in_the_order_of_their_times(log) {
    function* sleeper(ms: number) {
      yield* sleep(ms);
      log(ms);
    }

    yield* joinall([50, 10, 30].map((ms) => spawn(sleeper, ms)));
  },

  *spawn_later_starts_by_time(log) {
    const late = spawnLater(40, log, 'late');
    const soon = spawnLater(20, log, 'soon');
    spawn(log, 'now');
    yield* joinall([late, soon]);
    log('main');
  },

  *start_of_an_unstarted_greenlet(log) {
    const one = new Greenlet(log, 'one');
    const two = new Greenlet(log, 'two');
    log('made', one.started, one.ready());
    two.start();
    one.start();
    one.start();
    log('started', one.started, one.ready());
    yield* joinall([one, two]);
    log('ended', one.started, one.ready());
  },

  *states_of_a_greenlet(log) {
    const state = (g: Greenlet<string>) => [g.started, g.dead, g.ready(), g.successful(), g.value];

    function* body(): Coroutine<string> {
      log('runs', state(greenlet));
      yield* sleep(0);
      log('runs on', state(greenlet));
      return 'value';
    }

    const greenlet = new Greenlet<string>(body);
    log('unstarted', state(greenlet));
    greenlet.start();
    log('started', state(greenlet));
    yield* sleep(0);
    log('suspended', state(greenlet));
    yield* greenlet.join();
    log('ended', state(greenlet));
  },

  *states_of_a_failed_greenlet(log) {
    const greenlet = spawn(() => {
      throw new KeyError();
    });
    log('before', greenlet.ready(), greenlet.exception);
    yield* greenlet.join();
    log('after', greenlet.ready(), greenlet.successful(), greenlet.value, greenlet.exception);
  },

  *an_exit_that_a_greenlet_raises_is_its_value(log) {
    const greenlet = spawn(() => {
      throw new GreenletExit();
    });
    log(yield* greenlet.get(), greenlet.successful(), greenlet.value, greenlet.exception);
  },

  *hub_callbacks_share_the_queue_of_greenlets(log) {
    const hub = getHub();
    spawn(log, 'greenlet 1');
    hub.callSoon(log, 'callback 1');
    spawn(log, 'greenlet 2');
    hub.callSoon(log, 'callback 2');
    yield* sleep(0);
    log('main');
  },

  *idle_runs_when_nobody_is_ready(log) {
    spawn(function* () {
      for (let turn = 0; turn < 3; turn++) {
        log('busy', turn);
        yield* sleep(0);
      }
    });
    yield* idle();
    log('idle');
  },

  *a_subclass_with_a_run_method(log) {
    class Countdown extends Greenlet<string> {
      override *run() {
        for (let left = 2; left > 0; left--) {
          log(left);
          yield* sleep(0);
        }
        return 'lift-off';
      }
    }

    const greenlet = new Countdown();
    greenlet.start();
    log('started');
    log(yield* greenlet.get());
  },

  *arguments_of_spawned_functions(log) {
    const body = (...args: unknown[]) => [args.length, args];
    const greenlets = [spawn(body), spawn(body, 1), spawn(body, 1, 'two'), spawnLater(10, body, 3)];
    yield* joinall(greenlets);
    log(greenlets.map(({ value }) => value));
  },

  *blocking_calls_in_hub_callbacks(log) {
    const blocking = () => {
      try {
        sleep(10)[Symbol.iterator]().next(undefined);
      } catch (error) {
        log(error);
      }
    };

    getHub().callSoon(blocking);
    const greenlet = spawn(() => {});
    greenlet.rawlink(blocking);
    yield* greenlet.join();
    log('joined');
  },

  *spawns_and_sleeps_in_a_hub_callback(log) {
    getHub().callSoon(() => {
      log('callback');
      spawn(log, 'spawned by the callback');
    });
    spawn(log, 'spawned by main');
    yield* sleep(0);
    log('main 1');
    yield* sleep(0);
    log('main 2');
  },

  *timers_of_the_hub(log) {
    const timers = [50, 10, 30].map((ms) => getHub().callLater(ms, log, ms));
    timers[2]!.cancel();
    yield* sleep(70);
    log('main');
  },

  *a_tree_of_greenlets(log) {
    function* node(name: string, depth: number): Coroutine<void> {
      log(name, 'begins');
      if (depth > 0) yield* joinall([spawn(node, `${name}l`, depth - 1), spawn(node, `${name}r`, depth - 1)]);
      log(name, 'ends');
    }

    yield* node('t', 2);
  },

  *a_greenlet_that_spawns_its_successor(log) {
    const step = (number: number) => {
      log(number);
      if (number < 3) spawn(step, number + 1);
    };

    spawn(step, 0);
    for (let turn = 0; turn < 5; turn++) {
      log('turn', turn);
      yield* sleep(0);
    }
  },

  *an_unhandled_error_stops_nobody(log) {
    spawn(() => {
      log('fails');
      throw new KeyError();
    });
    spawn(log, 'other');
    yield* sleep(0);
    log('main');
  },

  *a_finished_greenlet_cannot_be_started_again(log) {
    const greenlet = spawn(log, 'runs');
    yield* greenlet.join();
    greenlet.start();
    yield* sleep(0);
    log('main', greenlet.started, greenlet.ready());
  },
};

/** Links of greenlets. */
import { sleep, spawn } from 'genlet';
import { KeyError, type Programs } from '../program.ts';

export const links: Programs = {
  *links_fire_in_the_order_of_registration(log) {
    function* joiner() {
      yield* greenlet.join();
      log('join');
    }

    function* getter() {
      log('get', yield* greenlet.get());
    }

    const greenlet = spawn(sleep, 20);
    greenlet.rawlink(() => log('rawlink 1'));
    spawn(joiner);
    yield* sleep(0);
    greenlet.link(() => log('link'));
    greenlet.rawlink(() => log('rawlink 2'));
    spawn(getter);
    yield* sleep(0);
    greenlet.linkValue(() => log('link_value'));
    greenlet.linkException(() => log('link_exception'));
    yield* greenlet.join();
    log('main');
  },

  *links_of_a_failure(log) {
    const greenlet = spawn(() => {
      throw new KeyError();
    });
    greenlet.linkValue((g) => log('link_value', g.exception));
    greenlet.linkException((g) => log('link_exception', g.exception));
    greenlet.link((g) => log('link', g.exception));
    greenlet.rawlink((g) => log('rawlink', g.exception));
    yield* sleep(0);
    yield* sleep(0);
    log('main');
  },

  *links_run_in_the_pass_after_the_end(log) {
    const greenlet = spawn(() => {
      spawn(log, 'spawned before the end');
      log('end');
    });
    greenlet.rawlink(() => log('rawlink'));
    spawn(log, 'spawned before the start');
    yield* sleep(0);
    log('main 1', greenlet.ready());
    yield* sleep(0);
    log('main 2');
  },

  *links_to_an_ended_greenlet(log) {
    const greenlet = spawn(() => 'value');
    yield* greenlet.join();
    greenlet.rawlink((g) => log('rawlink', g.value));
    greenlet.link((g) => log('link', g.value));
    log('linked');
    yield* sleep(0);
    log('main 1');
    yield* sleep(0);
    log('main 2');
  },

  *a_link_that_blocks_holds_up_nobody(log) {
    const greenlet = spawn(() => {});
    greenlet.link(function* () {
      log('slow begins');
      yield* sleep(20);
      log('slow ends');
    });
    greenlet.link(() => log('other'));
    yield* greenlet.join();
    log('joined');
    yield* sleep(40);
  },

  *a_link_that_fails_stops_nobody(log) {
    function failing() {
      log('failing');
      throw new KeyError();
    }

    const greenlet = spawn(() => {});
    greenlet.rawlink(failing);
    greenlet.link(failing);
    greenlet.rawlink(() => log('other'));
    yield* greenlet.join();
    log('joined');
  },

  *unlink_before_and_while_links_are_called(log) {
    function one() {
      log('one');
      greenlet.unlink(two);
    }

    function two() {
      log('two');
    }

    function three() {
      log('three');
    }

    const greenlet = spawn(() => {});
    for (const link of [one, two, three]) greenlet.rawlink(link);
    greenlet.unlink(three);
    greenlet.unlink(log);
    yield* greenlet.join();
    log('joined');
  },

  *a_link_that_adds_a_link(log) {
    const greenlet = spawn(() => {});
    greenlet.rawlink(() => {
      log('first');
      greenlet.rawlink(() => log('added'));
    });
    greenlet.rawlink(() => log('second'));
    yield* greenlet.join();
    yield* sleep(0);
    log('main');
  },
};

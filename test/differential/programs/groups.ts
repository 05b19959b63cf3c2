/** Group. */
import { type Greenlet, Group, getcurrent, joinall, Pool, sleep, spawn } from 'genlet';
import { attempt, KeyError, type Programs } from '../program.ts';

export const groups: Programs = {
  *kill_of_a_group_waits_for_a_finally_that_suspends(log) {
    function* worker(ms: number) {
      try {
        yield* sleep(1000);
      } finally {
        yield* sleep(ms);
        log(ms);
      }
    }

    const group = new Group();
    for (const ms of [50, 10, 30]) group.spawn(worker, ms);
    yield* sleep(0);
    yield* group.kill();
    log('killed', group.size);
  },

  *kill_of_a_group_with_a_timeout(log) {
    const group = new Group();
    group.spawn(function* () {
      try {
        yield* sleep(1000);
      } finally {
        yield* sleep(40);
        log('clean');
      }
    });
    yield* sleep(0);
    log(yield* group.kill(undefined, { timeout: 20 }), group.size);
    yield* group.join();
    log(group.size);
  },

  *kill_one_of_a_group(log) {
    const group = new Group();
    const members = [group.spawn(sleep, 20), group.spawn(sleep, 20)];
    const stranger = spawn(sleep, 20);
    yield* sleep(0);
    yield* group.killOne(members[0]!);
    yield* group.killOne(stranger);
    log(
      members.map(({ dead }) => dead),
      stranger.dead,
      group.size,
    );
    yield* joinall([...members, stranger]);
  },

  *join_of_a_group(log) {
    function* worker(ms: number) {
      yield* sleep(ms);
      log(ms);
    }

    const group = new Group();
    log('empty', yield* group.join());
    for (const ms of [50, 10, 30]) group.spawn(worker, ms);
    log('short', yield* group.join({ timeout: 20 }), group.size);
    log('long', yield* group.join(), group.size);
  },

  *join_of_a_group_waits_for_newcomers(log) {
    function* child() {
      yield* sleep(20);
      log('child');
    }

    const group = new Group();
    group.spawn(function* () {
      yield* sleep(0);
      group.spawn(child);
      log('parent');
    });
    yield* group.join();
    log('joined');
  },

  *joiners_of_a_group_wake_in_order(log) {
    const group = new Group();
    group.spawn(sleep, 20);
    const joiners = [...'abc'].map((name) =>
      spawn(function* () {
        yield* group.join();
        log(name);
      }),
    );
    yield* joinall(joiners);
  },

  *join_of_a_group_throws_a_failure(log) {
    const group = new Group();
    group.spawn(function* () {
      yield* sleep(20);
      throw new KeyError();
    });
    yield* attempt(log, 'join', () => group.join({ raiseError: true }));
    log('again', yield* group.join({ raiseError: true }), group.size);
  },

  *members_of_a_group(log) {
    const group = new Group();
    const members = [group.spawn(sleep, 20), group.spawn(sleep, 20)];
    const stranger = spawn(sleep, 20);
    const memberships = () => [...members, stranger].map((greenlet) => group.has(greenlet));
    log(group.size, memberships());
    group.add(stranger);
    group.discard(members[0]!);
    log(group.size, memberships());
    yield* group.join();
    log(group.size);
    yield* joinall(members);
  },

  *a_member_leaves_when_it_ends(log) {
    const group = new Group();
    group.spawn(log, 'member');
    log(group.size);
    yield* sleep(0);
    yield* sleep(0);
    log(group.size);
  },

  *apply_by_a_member_runs_in_place(log) {
    const inner = () => {
      log('inner', getcurrent() === greenlet);
      return 'inner';
    };

    const pool = new Pool(1);
    const greenlet: Greenlet<string> = yield* pool.spawn(function* () {
      log('member', yield* pool.apply(inner));
      return 'outer';
    });
    log(yield* greenlet.get());
  },

  *kill_of_a_group_that_grows(log) {
    const children: Greenlet[] = [];
    const group = new Group();
    group.spawn(function* () {
      try {
        yield* sleep(1000);
      } finally {
        children.push(group.spawn(sleep, 1000));
      }
    });
    yield* sleep(0);
    yield* group.kill();
    log(
      'killed',
      group.size,
      children.map(({ value }) => value),
    );
  },
};

/** JoinableQueue, PriorityQueue and LifoQueue. */
import { type Greenlet, joinall, LifoQueue, PriorityQueue, Queue, sleep, spawn } from 'genlet';
import { type Programs, take } from '../program.ts';

export const queueKinds: Programs = {
  *joinable_queue_with_a_worker(log) {
    const queue = new Queue(null, 'ab');
    log(queue.unfinishedTasks, yield* queue.join(0));
    const greenlet = spawn(function* () {
      for (;;) {
        const item = yield* queue.get();
        yield* sleep(0);
        log('done', item);
        queue.taskDone();
      }
    });
    yield* queue.put('c');
    log('join', yield* queue.join(), queue.unfinishedTasks);
    yield* greenlet.kill();
  },

  *joiners_of_a_queue_wake_in_order(log) {
    const queue = new Queue(null, 'a');
    const joiners = [...'xyz'].map((name) =>
      spawn(function* () {
        log(name, yield* queue.join());
      }),
    );
    yield* sleep(0);
    yield* queue.get();
    queue.taskDone();
    log('done');
    yield* joinall(joiners);
  },

  *join_of_a_queue_with_a_timeout(log) {
    const queue = new Queue(null, 'a');
    yield* queue.get();
    log(yield* queue.join(20), queue.unfinishedTasks);
    queue.taskDone();
    log(yield* queue.join(20), queue.unfinishedTasks);
  },

  *task_done_once_too_often(log) {
    const queue = new Queue<string>();
    yield* queue.put('a');
    yield* queue.get();
    queue.taskDone();
    try {
      queue.taskDone();
    } catch {
      log('error');
    }
    log(yield* queue.join(), queue.unfinishedTasks);
  },

  *a_priority_queue_gives_the_least(log) {
    const queue = new PriorityQueue<number>();
    for (const item of [3, 1, 2]) yield* queue.put(item);
    log(yield* queue.peek(), yield* take(queue, 3));
  },

  *a_priority_queue_of_pairs(log) {
    const queue = new PriorityQueue<[number, string]>();
    const items: [number, string][] = [
      [2, 'b'],
      [1, 'z'],
      [2, 'a'],
      [1, 'y'],
    ];
    for (const item of items) yield* queue.put(item);
    log(yield* take(queue, 4));
  },

  *a_bounded_priority_queue(log) {
    const queue = new PriorityQueue<number>(2);
    const putters = [5, 3, 4, 1].map((item) =>
      spawn(function* () {
        yield* queue.put(item);
        log('put', item);
      }),
    );
    yield* sleep(0);
    for (let i = 0; i < 4; i++) {
      log('got', yield* queue.get());
      yield* sleep(0);
    }
    yield* joinall(putters);
  },

  *a_lifo_queue_gives_the_last(log) {
    const queue = new LifoQueue<string>();
    for (const item of 'abc') yield* queue.put(item);
    log(yield* queue.peek(), yield* queue.get(), yield* queue.get());
    yield* queue.put('d');
    log(yield* queue.get(), yield* queue.get());
  },

  *a_bounded_lifo_queue(log) {
    const queue = new LifoQueue<string>(2);
    const putters = [...'abcd'].map((item) =>
      spawn(function* () {
        yield* queue.put(item);
        log('put', item);
      }),
    );
    yield* sleep(0);
    for (let i = 0; i < 4; i++) {
      log('got', yield* queue.get());
      yield* sleep(0);
    }
    yield* joinall(putters);
  },

  *a_priority_queue_with_a_getter_that_waits(log) {
    const queue = new PriorityQueue<number>();
    const greenlet = spawn(function* () {
      log(yield* take(queue, 3));
    });
    yield* sleep(0);
    for (const item of [3, 1, 2]) yield* queue.put(item);
    yield* greenlet.join();
  },

  *a_lifo_queue_with_a_getter_that_waits(log) {
    const queue = new LifoQueue<string>();
    const greenlet = spawn(function* () {
      log(yield* take(queue, 3));
    });
    yield* sleep(0);
    for (const item of 'abc') yield* queue.put(item);
    yield* greenlet.join();
  },

  *put_and_join_and_put_again(log) {
    const queue = new Queue<string>();
    yield* queue.put('a');
    yield* queue.put('b');
    const greenlet = spawn(function* () {
      for (let i = 0; i < 3; i++) {
        log('did', yield* queue.get());
        queue.taskDone();
      }
    });
    yield* queue.join();
    log('joined');
    yield* queue.put('c');
    yield* queue.join();
    log('joined again', queue.unfinishedTasks);
    yield* greenlet.join();
  },

  *a_priority_queue_with_several_getters_that_wait(log) {
    const queue = new PriorityQueue<number>();
    const getters = [...'ab'].map((name) =>
      spawn(function* () {
        log(name, yield* queue.get());
      }),
    );
    yield* sleep(0);
    for (const item of [3, 1, 2]) yield* queue.put(item);
    yield* joinall(getters);
    log(queue.qsize(), yield* queue.get());
  },

  *a_bounded_priority_queue_between_several(log) {
    function* putter(items: number[]) {
      for (const item of items) yield* queue.put(item);
    }

    const queue = new PriorityQueue<number>(1);
    const getters = [spawn(take<number>, queue, 2), spawn(take<number>, queue, 2)];
    const putters = [spawn(putter, [4, 1]), spawn(putter, [3, 2])];
    yield* joinall<Greenlet>([...getters, ...putters]);
    log(getters.flatMap(({ value }) => value!).sort(), queue.qsize());
  },

  *a_killed_getter_of_a_priority_queue_loses_no_item(log) {
    const queue = new PriorityQueue<number>();
    const getters = [...'ab'].map((name) =>
      spawn(function* () {
        log(name, yield* queue.get());
      }),
    );
    yield* sleep(0);
    yield* getters[0]!.kill();
    for (const item of [2, 1]) yield* queue.put(item);
    yield* joinall(getters);
    log(queue.qsize(), yield* queue.get());
  },
};

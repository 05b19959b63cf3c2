"""JoinableQueue, PriorityQueue and LifoQueue."""
from gevent import joinall, sleep, spawn
from gevent.queue import JoinableQueue, LifoQueue, PriorityQueue


def joinable_queue_with_a_worker(log):
    def worker():
        while True:
            item = queue.get()
            sleep(0)
            log("done", item)
            queue.task_done()

    queue = JoinableQueue(None, "ab")
    log(queue.unfinished_tasks, queue.join(timeout=0))
    greenlet = spawn(worker)
    queue.put("c")
    log("join", queue.join(), queue.unfinished_tasks)
    greenlet.kill()


def joiners_of_a_queue_wake_in_order(log):
    def joiner(name):
        log(name, queue.join())

    queue = JoinableQueue(None, "a")
    joiners = [spawn(joiner, name) for name in "xyz"]
    sleep(0)
    queue.get()
    queue.task_done()
    log("done")
    joinall(joiners)


def join_of_a_queue_with_a_timeout(log):
    queue = JoinableQueue(None, "a")
    queue.get()
    log(queue.join(timeout=0.02), queue.unfinished_tasks)
    queue.task_done()
    log(queue.join(timeout=0.02), queue.unfinished_tasks)


def task_done_once_too_often(log):
    queue = JoinableQueue()
    queue.put("a")
    queue.get()
    queue.task_done()
    try:
        queue.task_done()
    except ValueError:
        log("error")
    log(queue.join(), queue.unfinished_tasks)


def a_priority_queue_gives_the_least(log):
    queue = PriorityQueue()
    for item in (3, 1, 2):
        queue.put(item)
    log(queue.peek(), [queue.get() for _ in range(3)])


def a_priority_queue_of_pairs(log):
    queue = PriorityQueue()
    for item in ((2, "b"), (1, "z"), (2, "a"), (1, "y")):
        queue.put(item)
    log([queue.get() for _ in range(4)])


def a_bounded_priority_queue(log):
    def putter(item):
        queue.put(item)
        log("put", item)

    queue = PriorityQueue(2)
    putters = [spawn(putter, item) for item in (5, 3, 4, 1)]
    sleep(0)
    for _ in range(4):
        log("got", queue.get())
        sleep(0)
    joinall(putters)


def a_lifo_queue_gives_the_last(log):
    queue = LifoQueue()
    for item in "abc":
        queue.put(item)
    log(queue.peek(), queue.get(), queue.get())
    queue.put("d")
    log(queue.get(), queue.get())


def a_bounded_lifo_queue(log):
    def putter(item):
        queue.put(item)
        log("put", item)

    queue = LifoQueue(2)
    putters = [spawn(putter, item) for item in "abcd"]
    sleep(0)
    for _ in range(4):
        log("got", queue.get())
        sleep(0)
    joinall(putters)


def a_priority_queue_with_a_getter_that_waits(log):
    def getter():
        log([queue.get() for _ in range(3)])

    queue = PriorityQueue()
    greenlet = spawn(getter)
    sleep(0)
    for item in (3, 1, 2):
        queue.put(item)
    greenlet.join()


def a_lifo_queue_with_a_getter_that_waits(log):
    def getter():
        log([queue.get() for _ in range(3)])

    queue = LifoQueue()
    greenlet = spawn(getter)
    sleep(0)
    for item in "abc":
        queue.put(item)
    greenlet.join()


def put_and_join_and_put_again(log):
    def worker():
        for _ in range(3):
            log("did", queue.get())
            queue.task_done()

    queue = JoinableQueue()
    queue.put("a")
    queue.put("b")
    greenlet = spawn(worker)
    queue.join()
    log("joined")
    queue.put("c")
    queue.join()
    log("joined again", queue.unfinished_tasks)
    greenlet.join()


def a_priority_queue_with_several_getters_that_wait(log):
    def getter(name):
        log(name, queue.get())

    queue = PriorityQueue()
    getters = [spawn(getter, name) for name in "ab"]
    sleep(0)
    for item in (3, 1, 2):
        queue.put(item)
    joinall(getters)
    log(queue.qsize(), queue.get())


def a_bounded_priority_queue_between_several(log):
    def getter():
        return [queue.get(), queue.get()]

    def putter(items):
        for item in items:
            queue.put(item)

    queue = PriorityQueue(1)
    getters = [spawn(getter), spawn(getter)]
    putters = [spawn(putter, (4, 1)), spawn(putter, (3, 2))]
    joinall(getters + putters)
    log(sorted(item for greenlet in getters for item in greenlet.value), queue.qsize())


def a_killed_getter_of_a_priority_queue_loses_no_item(log):
    def getter(name):
        log(name, queue.get())

    queue = PriorityQueue()
    getters = [spawn(getter, name) for name in "ab"]
    sleep(0)
    getters[0].kill()
    for item in (2, 1):
        queue.put(item)
    joinall(getters)
    log(queue.qsize(), queue.get())

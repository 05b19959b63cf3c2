"""Queue."""
import gevent
from gevent import Timeout, joinall, killall, sleep, spawn
from gevent.queue import Queue

from shared import attempt


def items_come_out_in_the_order_of_their_puts(log):
    queue = Queue()
    for item in "abc":
        queue.put(item)
    log(queue.qsize(), queue.empty(), queue.full())
    log([queue.get() for _ in range(3)])
    log(queue.qsize(), queue.empty())


def a_bounded_queue_between_two(log):
    def putter():
        for item in range(5):
            queue.put(item)
            log("put", item)

    queue = Queue(2)
    greenlet = spawn(putter)
    sleep(0)
    for _ in range(5):
        log("got", queue.get())
        sleep(0)
    greenlet.join()


def getters_are_served_in_order(log):
    def getter(name):
        log(name, queue.get())

    queue = Queue()
    getters = [spawn(getter, name) for name in "abc"]
    sleep(0)
    for item in range(3):
        queue.put(item)
    log("put")
    joinall(getters)


def putters_are_served_in_order(log):
    def putter(name):
        queue.put(name)
        log("put", name)

    queue = Queue(1)
    putters = [spawn(putter, name) for name in "abc"]
    sleep(0)
    for _ in range(3):
        log("got", queue.get())
        sleep(0)
    joinall(putters)


def several_getters_and_putters(log):
    def getter():
        return [queue.get(), queue.get()]

    def putter(name):
        for number in "12":
            queue.put(name + number)

    queue = Queue(1)
    getters = [spawn(getter), spawn(getter)]
    joinall([*getters, spawn(putter, "a"), spawn(putter, "b")])
    log([greenlet.value for greenlet in getters], queue.qsize())


def each_of_several_workers_takes_what_is_there(log):
    def worker(name):
        while not queue.empty():
            log(name, queue.get())
            sleep(0)

    queue = Queue(None, range(5))
    joinall([spawn(worker, name) for name in "ab"])


def a_putter_that_finds_a_getter_runs_on(log):
    def getter():
        log("got", queue.get())

    queue = Queue(1)
    greenlet = spawn(getter)
    sleep(0)
    queue.put("a")
    log("put a")
    sleep(0)
    queue.put("b")
    log("put b")
    greenlet.join()
    log(queue.qsize())


def get_and_put_of_queues_do_not_wait_without_need(log):
    queue = Queue(2)
    spawn(log, "other")
    queue.put("a")
    queue.put("b")
    log(queue.full(), queue.get(), queue.get())
    sleep(0)


def polls_of_a_queue(log):
    queue = Queue(1)
    attempt(log, "get_nowait", queue.get_nowait)
    attempt(log, "get", lambda: queue.get(block=False))
    attempt(log, "peek_nowait", queue.peek_nowait)
    attempt(log, "put_nowait", lambda: queue.put_nowait("a"))
    attempt(log, "put_nowait", lambda: queue.put_nowait("b"))
    attempt(log, "put", lambda: queue.put("b", block=False))
    attempt(log, "peek_nowait", queue.peek_nowait)
    attempt(log, "get_nowait", queue.get_nowait)


def time_is_up_in_a_queue(log):
    queue = Queue(1)
    attempt(log, "get", lambda: queue.get(timeout=0.02))
    queue.put("a")
    attempt(log, "put", lambda: queue.put("b", timeout=0.02))
    log(queue.qsize(), queue.get())
    late = spawn(attempt, log, "get in time", lambda: queue.get(timeout=1))
    sleep(0.02)
    queue.put("c")
    late.join()


def a_killed_getter_loses_no_item(log):
    def getter(name):
        try:
            log(name, "got", queue.get())
        finally:
            log(name, "finally")

    queue = Queue()
    getters = [spawn(getter, name) for name in "abc"]
    sleep(0)
    killall(getters[:2])
    queue.put("item")
    joinall(getters)
    log(queue.qsize())


def a_killed_putter_takes_its_item_along(log):
    def putter(name):
        try:
            queue.put(name)
            log("put", name)
        finally:
            log(name, "finally")

    queue = Queue(1)
    putters = [spawn(putter, name) for name in "abc"]
    sleep(0)
    putters[1].kill()
    log(queue.get())
    sleep(0)
    log(queue.get())
    joinall(putters)
    log(queue.qsize())


def a_getter_that_is_killed_and_then_served(log):
    def getter():
        try:
            log("got", queue.get())
        finally:
            log("finally")

    queue = Queue()
    greenlet = spawn(getter)
    sleep(0)
    greenlet.kill(block=False)
    queue.put("item")
    greenlet.join()
    log(queue.qsize())


def a_getter_that_is_served_and_then_killed(log):
    def getter():
        try:
            log("got", queue.get())
            sleep(0)
            log("runs on")
        finally:
            log("finally")

    queue = Queue()
    greenlet = spawn(getter)
    sleep(0)
    queue.put("item")
    greenlet.kill()
    log(queue.qsize())


def a_getter_that_times_out_loses_no_item(log):
    def getter(name, ms):
        try:
            with Timeout(ms / 1000):
                log(name, queue.get())
        except Timeout as error:
            log(name, error)

    queue = Queue()
    getters = [spawn(getter, "short", 20), spawn(getter, "long", 1000)]
    sleep(0.04)
    queue.put("item")
    joinall(getters)


def peek_leaves_the_item(log):
    def peeker():
        log("peek", queue.peek())

    queue = Queue()
    greenlet = spawn(peeker)
    sleep(0)
    queue.put("a")
    greenlet.join()
    queue.put("b")
    log(queue.qsize(), queue.peek(), queue.get(), queue.peek(), queue.get())
    attempt(log, "peek", lambda: queue.peek(timeout=0.02))


def a_queue_filled_by_hub_callbacks(log):
    def getter(name):
        log(name, queue.get())

    queue = Queue()
    getters = [spawn(getter, name) for name in "ab"]
    sleep(0)
    loop = gevent.get_hub().loop
    for item in "12":
        loop.run_callback(queue.put_nowait, item)
    log("scheduled")
    joinall(getters)


def a_queue_with_initial_items(log):
    queue = Queue(3, "ab")
    log(queue.qsize(), queue.full(), queue.get(), queue.get())


def a_pipeline_of_bounded_queues(log):
    def double():
        for _ in range(4):
            numbers_out.put(2 * numbers_in.get())

    def feed():
        for number in range(4):
            numbers_in.put(number)
        log("fed")

    numbers_in = Queue(1)
    numbers_out = Queue(1)
    spawn(feed)
    spawn(double)
    log([numbers_out.get() for _ in range(4)])


def links_that_put_into_a_queue(log):
    def body(turns):
        for _ in range(turns):
            sleep(0)
        return turns

    queue = Queue()
    for turns in (2, 0, 1):
        spawn(body, turns).link(lambda greenlet: queue.put(greenlet.value))
    log([queue.get() for _ in range(3)])


def a_peeker_before_a_getter(log):
    def peeker():
        log("peek", queue.peek())

    def getter():
        log("get", queue.get())

    queue = Queue()
    greenlets = [spawn(peeker), spawn(getter)]
    sleep(0)
    queue.put("item")
    joinall(greenlets)
    log(queue.qsize())


def a_peeker_behind_a_getter(log):
    def getter():
        log("get", queue.get())

    def peeker():
        log("peek", queue.peek())

    queue = Queue()
    greenlets = [spawn(getter), spawn(peeker)]
    sleep(0)
    queue.put("a")
    greenlets[0].join()
    queue.put("b")
    joinall(greenlets)
    log(queue.qsize())


def a_bounded_queue_with_slow_workers(log):
    def worker(name, ms):
        while True:
            item = queue.get()
            if item is None:
                return
            sleep(ms / 1000)
            log(name, "did", item)

    queue = Queue(1)
    workers = [spawn(worker, "slow", 50), spawn(worker, "quick", 20)]
    for item in range(3):
        queue.put(item)
        log("put", item)
    for _ in workers:
        queue.put(None)
    joinall(workers)


def a_timeout_in_a_put(log):
    def putter(name, ms):
        try:
            with Timeout(ms / 1000):
                queue.put(name)
                log(name, "put")
        except Timeout as error:
            log(name, error)

    queue = Queue(1, "x")
    putters = [spawn(putter, "short", 20), spawn(putter, "long", 1000)]
    sleep(0.04)
    log(queue.get())
    joinall(putters)
    log(queue.get(), queue.qsize())

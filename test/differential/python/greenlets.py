"""Spawning, sleeping and states."""
import gevent
from gevent import Greenlet, sleep, spawn, spawn_later


def order_of_spawns(log):
    for name in "abc":
        spawn(log, name)
    log("spawned")
    sleep(0)
    log("main")


def spawn_within_spawn(log):
    def parent(name):
        log(name)
        for child in "12":
            spawn(log, name + child)
        log(name, "end")

    spawn(parent, "a")
    spawn(parent, "b")
    sleep(0)
    log("main 1")
    sleep(0)
    log("main 2")


def turns_of_sleep_0(log):
    def worker(name):
        for turn in range(3):
            log(name, turn)
            sleep(0)
        log(name, "end")

    gevent.joinall([spawn(worker, name) for name in "abc"])
    log("main")


def sleep_0_before_a_spawn_comes_first(log):
    def first():
        log("first")
        sleep(0)
        log("first again")

    def second():
        spawn(log, "child")
        sleep(0)
        log("second")

    spawn(first)
    spawn(second)
    for turn in range(3):
        sleep(0)
        log("main", turn)


def sleeps_end_in_the_order_of_their_times(log):
    def sleeper(ms):
        sleep(ms / 1000)
        log(ms)

    gevent.joinall([spawn(sleeper, ms) for ms in (50, 10, 30)])


def spawn_later_starts_by_time(log):
    late = spawn_later(0.04, log, "late")
    soon = spawn_later(0.02, log, "soon")
    spawn(log, "now")
    gevent.joinall([late, soon])
    log("main")


def start_of_an_unstarted_greenlet(log):
    one = Greenlet(log, "one")
    two = Greenlet(log, "two")
    log("made", bool(one), one.ready())
    two.start()
    one.start()
    one.start()
    log("started", bool(one), one.ready())
    gevent.joinall([one, two])
    log("ended", bool(one), one.ready())


def states_of_a_greenlet(log):
    def state(greenlet):
        return [bool(greenlet), greenlet.dead, greenlet.ready(), greenlet.successful(), greenlet.value]

    def body():
        log("runs", state(greenlet))
        sleep(0)
        log("runs on", state(greenlet))
        return "value"

    greenlet = Greenlet(body)
    log("unstarted", state(greenlet))
    greenlet.start()
    log("started", state(greenlet))
    sleep(0)
    log("suspended", state(greenlet))
    greenlet.join()
    log("ended", state(greenlet))


def states_of_a_failed_greenlet(log):
    def body():
        raise KeyError

    greenlet = spawn(body)
    log("before", greenlet.ready(), greenlet.exception)
    greenlet.join()
    log("after", greenlet.ready(), greenlet.successful(), greenlet.value, greenlet.exception)


def an_exit_that_a_greenlet_raises_is_its_value(log):
    def body():
        raise gevent.GreenletExit

    greenlet = spawn(body)
    log(greenlet.get(), greenlet.successful(), greenlet.value, greenlet.exception)


def hub_callbacks_share_the_queue_of_greenlets(log):
    loop = gevent.get_hub().loop
    spawn(log, "greenlet 1")
    loop.run_callback(log, "callback 1")
    spawn(log, "greenlet 2")
    loop.run_callback(log, "callback 2")
    sleep(0)
    log("main")


def idle_runs_when_nobody_is_ready(log):
    def busy():
        for turn in range(3):
            log("busy", turn)
            sleep(0)

    spawn(busy)
    gevent.idle()
    log("idle")


def a_subclass_with_a_run_method(log):
    class Countdown(Greenlet):
        def _run(self):
            for left in range(2, 0, -1):
                log(left)
                sleep(0)
            return "lift-off"

    greenlet = Countdown()
    greenlet.start()
    log("started")
    log(greenlet.get())


def arguments_of_spawned_functions(log):
    def body(*args):
        return [len(args), list(args)]

    greenlets = [spawn(body), spawn(body, 1), spawn(body, 1, "two"), spawn_later(0.01, body, 3)]
    gevent.joinall(greenlets)
    log([greenlet.value for greenlet in greenlets])


def blocking_calls_in_hub_callbacks(log):
    def blocking():
        try:
            sleep(0.01)
        except AssertionError as error:
            log(error)

    gevent.get_hub().loop.run_callback(blocking)
    greenlet = spawn(lambda: None)
    greenlet.rawlink(lambda _: blocking())
    greenlet.join()
    log("joined")


def spawns_and_sleeps_in_a_hub_callback(log):
    def callback():
        log("callback")
        spawn(log, "spawned by the callback")

    gevent.get_hub().loop.run_callback(callback)
    spawn(log, "spawned by main")
    sleep(0)
    log("main 1")
    sleep(0)
    log("main 2")


def timers_of_the_hub(log):
    timers = []
    for ms in (50, 10, 30):
        timers.append(gevent.get_hub().loop.timer(ms / 1000))
        timers[-1].start(log, ms)
    timers[2].stop()
    sleep(0.07)
    log("main")


def a_tree_of_greenlets(log):
    def node(name, depth):
        log(name, "begins")
        if depth > 0:
            gevent.joinall([spawn(node, name + "l", depth - 1), spawn(node, name + "r", depth - 1)])
        log(name, "ends")

    node("t", 2)


def a_greenlet_that_spawns_its_successor(log):
    def step(number):
        log(number)
        if number < 3:
            spawn(step, number + 1)

    spawn(step, 0)
    for turn in range(5):
        log("turn", turn)
        sleep(0)


def an_unhandled_error_stops_nobody(log):
    def failing():
        log("fails")
        raise KeyError

    spawn(failing)
    spawn(log, "other")
    sleep(0)
    log("main")


def a_finished_greenlet_cannot_be_started_again(log):
    greenlet = spawn(log, "runs")
    greenlet.join()
    greenlet.start()
    sleep(0)
    log("main", bool(greenlet), greenlet.ready())

"""Event."""
import gevent
from gevent import Timeout, joinall, sleep, spawn
from gevent.event import Event


def waiters_of_an_event_wake_in_order(log):
    def waiter(name):
        log(name, event.wait())

    event = Event()
    waiters = [spawn(waiter, name) for name in "abc"]
    sleep(0)
    event.set()
    log("set", event.is_set())
    joinall(waiters)


def wait_for_an_event_that_is_set_does_not_suspend(log):
    event = Event()
    event.set()
    spawn(log, "other")
    log(event.wait(), event.wait(0), event.wait(1))
    sleep(0)


def set_and_clear_at_once_wake_everybody(log):
    def waiter(name):
        log(name, event.wait(), event.is_set())

    event = Event()
    waiters = [spawn(waiter, name) for name in "ab"]
    sleep(0)
    event.set()
    event.clear()
    log("cleared", event.is_set())
    joinall(waiters)


def event_that_is_set_cleared_and_set(log):
    def waiter(name):
        log(name, event.wait())

    event = Event()
    one = spawn(waiter, "one")
    sleep(0)
    event.set()
    event.clear()
    two = spawn(waiter, "two")
    sleep(0)
    log("again")
    event.set()
    joinall([one, two])


def waiters_that_arrive_during_notification(log):
    def first():
        log("first", event.wait())
        event.clear()
        log("first", event.wait())

    def second():
        log("second", event.wait())
        log("second", event.wait(0.02))

    event = Event()
    waiters = [spawn(first), spawn(second)]
    sleep(0)
    event.set()
    sleep(0)
    log("main")
    sleep(0.04)
    event.set()
    joinall(waiters)


def a_spawned_waiter_of_a_set_event_goes_behind_the_blocked(log):
    def waiter(name):
        log(name, event.wait())

    event = Event()
    waiters = [spawn(waiter, "blocked 1"), spawn(waiter, "blocked 2")]
    sleep(0)
    event.set()
    waiters.append(spawn(waiter, "spawned"))
    joinall(waiters)


def wait_for_an_event_with_a_timeout(log):
    def waiter(name, timeout):
        log(name, event.wait(timeout))

    event = Event()
    log("poll", event.wait(0))
    waiters = [spawn(waiter, "short", 0.02), spawn(waiter, "long", 1), spawn(waiter, "ever", None)]
    sleep(0.04)
    log("set")
    event.set()
    joinall(waiters)


def a_killed_waiter_of_an_event_hinders_nobody(log):
    def waiter(name):
        try:
            log(name, event.wait())
        finally:
            log(name, "finally")

    event = Event()
    waiters = [spawn(waiter, name) for name in "abc"]
    sleep(0)
    waiters[1].kill()
    event.set()
    joinall(waiters)


def an_event_set_by_a_hub_callback(log):
    def waiter():
        log("waiter", event.wait())

    event = Event()
    greenlet = spawn(waiter)
    sleep(0)
    gevent.get_hub().loop.run_callback(event.set)
    log("scheduled", event.is_set())
    greenlet.join()
    log(event.is_set())


def rawlinks_of_an_event(log):
    event = Event()
    event.rawlink(lambda e: log("one", e is event, e.is_set()))
    event.rawlink(lambda e: log("two"))
    event.set()
    log("set")
    sleep(0)
    log("main")


def rawlink_to_an_event_that_is_set(log):
    event = Event()
    event.set()
    event.rawlink(lambda _: log("link"))
    log("linked")
    sleep(0)
    log("main")


def unlink_from_an_event(log):
    def link(_):
        log("link")

    event = Event()
    event.rawlink(link)
    event.unlink(link)
    event.set()
    sleep(0)
    log("main")


def rawlinks_and_waiters_of_an_event(log):
    def waiter(name):
        event.wait()
        log(name)

    event = Event()
    event.rawlink(lambda _: log("link 1"))
    spawn(waiter, "waiter 1")
    sleep(0)
    event.rawlink(lambda _: log("link 2"))
    spawn(waiter, "waiter 2")
    sleep(0)
    event.set()
    sleep(0)
    log("main")


def an_event_as_a_turnstile(log):
    def runner(name):
        for lap in range(3):
            event.wait()
            log(name, lap)

    event = Event()
    runners = [spawn(runner, name) for name in "ab"]
    sleep(0)
    for lap in range(3):
        log("lap", lap)
        event.set()
        event.clear()
        sleep(0)
    joinall(runners)


def a_timeout_in_the_wait_for_an_event(log):
    def waiter(name, ms):
        limit = Timeout.start_new(ms / 1000)
        try:
            log(name, event.wait())
        except Timeout as error:
            log(name, error is limit)
        finally:
            limit.cancel()

    event = Event()
    waiters = [spawn(waiter, "short", 20), spawn(waiter, "long", 1000)]
    sleep(0.04)
    event.set()
    joinall(waiters)


def an_event_set_by_a_link(log):
    def waiter():
        log("waiter", event.wait())

    event = Event()
    greenlet = spawn(waiter)
    spawn(lambda: log("body")).rawlink(lambda _: event.set())
    greenlet.join()


def an_event_set_twice_before_its_waiters_run(log):
    def waiter():
        for turn in range(2):
            log("waiter", turn, event.wait())

    event = Event()
    greenlet = spawn(waiter)
    sleep(0)
    event.set()
    event.set()
    greenlet.join()


def two_events_set_in_one_pass(log):
    def waiter(name, event):
        event.wait()
        log(name)

    one, two = Event(), Event()
    waiters = [spawn(waiter, name, event) for name, event in (("1a", one), ("2a", two), ("1b", one), ("2b", two))]
    sleep(0)
    two.set()
    one.set()
    joinall(waiters)


def unlink_from_an_event_while_its_links_are_called(log):
    def one(_):
        log("one")
        event.unlink(two)

    def two(_):
        log("two")

    def three(_):
        log("three")

    event = Event()
    for link in (one, two, three):
        event.rawlink(link)
    event.set()
    sleep(0)
    log("main")


def a_link_of_an_event_that_fails_stops_nobody(log):
    def failing(_):
        log("fails")
        raise KeyError

    def waiter():
        log("waiter", event.wait())

    event = Event()
    event.rawlink(failing)
    greenlet = spawn(waiter)
    sleep(0)
    event.rawlink(lambda _: log("link"))
    event.set()
    greenlet.join()
    sleep(0)

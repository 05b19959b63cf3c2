"""Waiting for greenlets: join, get, joinall, wait, iwait."""
from gevent import iwait, joinall, sleep, spawn, wait
from gevent.event import Event

from shared import after, attempt


def _fail_after(ms, error):
    sleep(ms / 1000)
    raise error


def joiners_wake_in_the_order_of_their_calls(log):
    def joiner(name):
        greenlet.join()
        log(name)

    greenlet = spawn(sleep, 0.02)
    joinall([spawn(joiner, name) for name in "abc"])


def join_with_a_timeout(log):
    greenlet = spawn(after, 40, "value")
    log("poll", greenlet.join(timeout=0), greenlet.ready())
    log("too short", greenlet.join(timeout=0.02), greenlet.ready())
    log("long enough", greenlet.join(timeout=1), greenlet.ready())
    log("again", greenlet.join(timeout=0), greenlet.value)


def join_hides_the_error_and_get_throws_it(log):
    error = KeyError()
    greenlet = spawn(_fail_after, 20, error)
    log("join", greenlet.join())
    for _ in range(2):
        try:
            greenlet.get()
        except KeyError as caught:
            log("get", caught is error)


def all_getters_of_a_failure_get_its_error(log):
    def getter(name):
        try:
            failing.get()
        except KeyError as caught:
            log(name, caught is error)

    error = KeyError()
    failing = spawn(_fail_after, 20, error)
    joinall([spawn(getter, name) for name in "abc"])


def get_with_a_timeout(log):
    greenlet = spawn(after, 40, "value")
    for options in ({"block": False}, {"timeout": 0}, {"timeout": 0.02}, {"timeout": 1}, {"block": False}):
        attempt(log, "get", lambda: greenlet.get(**options))


def join_of_an_ended_greenlet_does_not_suspend(log):
    greenlet = spawn(lambda: "value")
    greenlet.join()
    spawn(log, "other")
    greenlet.join()
    log("joined")
    log("got", greenlet.get())
    sleep(0)


def joinall_gives_them_in_the_order_of_completion(log):
    greenlets = [spawn(after, ms, ms) for ms in (50, 10, 30)]
    log([greenlet.value for greenlet in joinall(greenlets)])


def joinall_with_some_that_have_ended(log):
    greenlets = [spawn(after, ms, ms) for ms in (50, 10, 30)]
    sleep(0.04)
    ended = joinall(greenlets, timeout=0)
    log(sorted(greenlet.value for greenlet in ended))
    log(joinall(greenlets)[-1].value)


def joinall_of_some_that_end_in_one_pass(log):
    def body(turns):
        for _ in range(turns):
            sleep(0)
        log("end", turns)
        return turns

    log([greenlet.value for greenlet in joinall([spawn(body, turns) for turns in (2, 0, 1, 0)])])


def joinall_with_a_count(log):
    greenlets = [spawn(after, ms, ms) for ms in (50, 10, 30)]
    log([greenlet.value for greenlet in joinall(greenlets, count=2)])
    log([greenlet.ready() for greenlet in greenlets])
    joinall(greenlets)


def joinall_with_a_timeout(log):
    greenlets = [spawn(after, ms, ms) for ms in (60, 10)]
    log([greenlet.value for greenlet in joinall(greenlets, timeout=0.035)])
    log([greenlet.ready() for greenlet in greenlets])
    log(len(joinall(greenlets)))


def joinall_raises_the_first_failure(log):
    greenlets = [spawn(after, 60, 60), spawn(_fail_after, 30, KeyError()), spawn(_fail_after, 10, TypeError())]
    try:
        joinall(greenlets, raise_error=True)
    except TypeError as error:
        log(error, [greenlet.ready() for greenlet in greenlets])
    log(len(joinall(greenlets)), greenlets[0].value)


def joinall_does_not_raise_a_kill(log):
    greenlets = [spawn(after, 40, "a"), spawn(after, 20, "b")]
    sleep(0)
    greenlets[0].kill(block=False)
    log([greenlet.value for greenlet in joinall(greenlets, raise_error=True)])


def joinall_of_nothing(log):
    spawn(log, "other")
    log(joinall([]))
    sleep(0)


def wait_gives_them_in_the_order_of_completion(log):
    greenlets = [spawn(after, ms, ms) for ms in (50, 10, 30)]
    log([greenlet.value for greenlet in wait(greenlets)])


def wait_with_a_timeout_gives_those_that_are_ready(log):
    greenlets = [spawn(after, ms, ms) for ms in (60, 10)]
    log([greenlet.value for greenlet in wait(greenlets, timeout=0.035)])
    log([greenlet.value for greenlet in wait(greenlets, timeout=0)])
    log([greenlet.value for greenlet in wait(greenlets)])


def wait_with_a_count(log):
    greenlets = [spawn(after, ms, ms) for ms in (50, 10, 30)]
    log([greenlet.value for greenlet in wait(greenlets, count=1)])
    log([greenlet.value for greenlet in wait(greenlets, count=3)])


def wait_with_those_first_that_were_ready(log):
    def body(turns):
        for _ in range(turns):
            sleep(0)
        return turns

    greenlets = [spawn(body, turns) for turns in (3, 1, 0)]
    joinall(greenlets[1:])
    log([greenlet.value for greenlet in wait(greenlets)])


def wait_for_events_and_greenlets(log):
    def setter():
        sleep(0.02)
        event.set()
        sleep(0.02)
        return "setter"

    event = Event()
    unset = Event()
    ready = wait([spawn(setter), unset, event], timeout=0.06)
    log(["event" if item is event else item.value for item in ready])
    log(len(wait([unset], timeout=0)), len(wait([event], timeout=0)))


def iwait_gives_them_one_by_one(log):
    with iwait([spawn(after, ms, ms) for ms in (60, 20, 40)]) as ready:
        for greenlet in ready:
            log(greenlet.value)
            sleep(0)


def iwait_keeps_what_gets_ready_between_two_steps(log):
    with iwait([spawn(after, ms, ms) for ms in (10, 30, 70)]) as ready:
        for greenlet in ready:
            log(greenlet.value)
            sleep(0.045)
            log("slept")


def iwait_left_early(log):
    greenlets = [spawn(after, ms, ms) for ms in (10, 40)]
    with iwait(greenlets) as ready:
        for greenlet in ready:
            log(greenlet.value)
            break
    log([greenlet.ready() for greenlet in greenlets])
    log([greenlet.value for greenlet in wait(greenlets)])


def iwait_with_a_count_and_a_timeout(log):
    greenlets = [spawn(after, ms, ms) for ms in (60, 10, 30)]
    log([greenlet.value for greenlet in iwait(greenlets, count=1)])
    log([greenlet.value for greenlet in iwait(greenlets, timeout=0.035)])
    joinall(greenlets)


def a_failed_greenlet_counts_as_ready_for_wait(log):
    greenlets = [spawn(_fail_after, 10, KeyError()), spawn(after, 30, "value")]
    log([greenlet.exception or greenlet.value for greenlet in wait(greenlets)])

"""Timeout and with_timeout."""
import gevent
from gevent import Timeout, sleep, spawn, with_timeout
from gevent.event import Event
from gevent.queue import Queue

from shared import attempt


def a_timeout_ends_a_sleep(log):
    limit = Timeout.start_new(0.02)
    log("pending", limit.pending)
    try:
        sleep(1)
    except Timeout as error:
        log(error is limit, limit.pending)


def the_inner_of_two_timeouts_expires(log):
    outer = Timeout.start_new(0.06)
    inner = Timeout.start_new(0.02)
    for _ in range(2):
        try:
            sleep(1)
        except Timeout as error:
            log("inner" if error is inner else "outer", inner.pending, outer.pending)


def the_outer_of_two_timeouts_expires_first(log):
    outer = Timeout.start_new(0.02)
    inner = Timeout.start_new(0.06)
    try:
        try:
            sleep(1)
        except Timeout as error:
            log("in the inner handler:", "inner" if error is inner else "outer")
            raise
        finally:
            inner.cancel()
    except Timeout as error:
        log("in the outer handler:", "inner" if error is inner else "outer", inner.pending, outer.pending)
    sleep(0.06)
    log("no second one")


def a_timeout_of_0_expires_at_a_suspension_that_lasts(log):
    limit = Timeout.start_new(0)
    log("started", limit.pending)
    try:
        sleep(0.02)
        log("slept")
    except Timeout as error:
        log(error is limit)


def a_timeout_of_none_never_expires(log):
    limit = Timeout.start_new(None)
    sleep(0.02)
    log(limit.pending)
    limit.cancel()


def a_canceled_timeout_does_not_expire(log):
    limit = Timeout.start_new(0.02)
    sleep(0)
    limit.cancel()
    log("canceled", limit.pending)
    sleep(0.04)
    log("slept")


def a_canceled_timeout_starts_again(log):
    limit = Timeout.start_new(0.02)
    limit.cancel()
    limit.start()
    log(limit.pending)
    try:
        sleep(1)
    except Timeout as error:
        log(error is limit)


def a_timeout_given_to_start_new(log):
    limit = Timeout(0.02)
    log(limit.pending, Timeout.start_new(limit) is limit, limit.pending)
    log(Timeout.start_new(limit) is limit, limit.pending)
    try:
        sleep(1)
    except Timeout as error:
        log(error is limit)


def a_timeout_throws_the_error_that_was_given(log):
    error = KeyError()
    for given in (error, TypeError):
        limit = Timeout.start_new(0.02, given)
        try:
            sleep(1)
        except (KeyError, TypeError) as caught:
            log(caught, caught is error, limit.pending)


def a_timeout_belongs_to_the_greenlet_that_started_it(log):
    def child():
        Timeout.start_new(0.02)
        try:
            sleep(1)
        except Timeout:
            log("child")

    greenlet = spawn(child)
    sleep(0.04)
    log("main", greenlet.ready())


def a_timeout_can_be_caught_and_followed_by_another(log):
    for turn in range(2):
        limit = Timeout.start_new(0.02)
        try:
            sleep(1)
        except Timeout as error:
            log(turn, error is limit)


def a_timeout_ends_a_greenlet_and_comes_out_of_get(log):
    def body():
        Timeout.start_new(0.02)
        sleep(1)

    greenlet = spawn(body)
    limit = Timeout.start_new(0.06)
    try:
        greenlet.get()
    except Timeout as error:
        log(error is limit, error is greenlet.exception, limit.pending)
    limit.cancel()
    log(greenlet.successful(), greenlet.value)


def a_timeout_passes_through_a_wait_with_a_longer_one(log):
    def attempt(name, call):
        limit = Timeout.start_new(0.02)
        try:
            log(name, call())
        except Timeout as error:
            log(name, error is limit)

    sleeper = spawn(sleep, 1)
    attempt("join", lambda: sleeper.join(timeout=0.06))
    attempt("get", lambda: sleeper.get(timeout=0.06))
    attempt("event", lambda: Event().wait(timeout=0.06))
    attempt("queue", lambda: Queue().get(timeout=0.06))
    attempt("wait", lambda: gevent.wait([sleeper], timeout=0.06))
    attempt("joinall", lambda: gevent.joinall([sleeper], timeout=0.06))
    sleeper.kill()


def a_wait_with_a_shorter_timeout_keeps_the_outer_one(log):
    outer = Timeout.start_new(0.06)
    try:
        log("event", Event().wait(timeout=0.02), outer.pending)
        sleep(1)
    except Timeout as error:
        log(error is outer)


def a_timeout_in_a_finally(log):
    limit = Timeout.start_new(0.02)
    try:
        try:
            sleep(1)
        finally:
            log("cleaning", limit.pending)
            sleep(0.02)
            log("clean")
    except Timeout as error:
        log(error is limit)


def a_timeout_that_is_canceled_by_another_greenlet(log):
    def canceler():
        sleep(0.02)
        limit.cancel()
        log("canceled")

    limit = Timeout.start_new(0.04)
    spawn(canceler)
    sleep(0.07)
    log("slept")


def with_timeout_gives_the_result_or_the_value(log):
    def body(ms):
        sleep(ms / 1000)
        return "result"

    log(with_timeout(0.02, body, 0, timeout_value="too late"))
    log(with_timeout(0.02, body, 1000, timeout_value="too late"))
    log(with_timeout(0.02, body, 1000, timeout_value=None))
    log(with_timeout(None, body, 0))
    attempt(log, "without a value", lambda: with_timeout(0.02, body, 1000))


def with_timeout_lets_the_timeouts_of_others_through(log):
    def body():
        limit = Timeout.start_new(0.02)
        try:
            sleep(1)
        except Timeout as error:
            log("body", error is limit)
            raise

    outer = Timeout.start_new(0.1)
    try:
        log(with_timeout(0.06, body, timeout_value="value"))
    except Timeout as error:
        log("out of with_timeout", error is outer)
    outer.cancel()


def with_timeout_within_with_timeout(log):
    def inner(ms):
        return with_timeout(ms / 1000, sleep, 1, timeout_value="inner")

    log(with_timeout(0.05, inner, 20, timeout_value="outer"))
    log(with_timeout(0.02, inner, 50, timeout_value="outer"))


def with_timeout_lets_errors_through(log):
    def body():
        raise KeyError

    attempt(log, "with_timeout", lambda: with_timeout(0.02, body, timeout_value="value"))
    sleep(0.03)
    log("no timeout")


def a_timeout_of_0_survives_a_sleep_of_0(log):
    limit = Timeout.start_new(0)
    try:
        sleep(0)
        log("survived")
        sleep(0.02)
    except Timeout as error:
        log(error is limit)


def a_timeout_that_expires_while_a_kill_is_on_its_way(log):
    def body():
        limit = Timeout.start_new(0.06)
        try:
            sleep(1)
        except BaseException as error:
            log(error is limit)
            raise
        finally:
            limit.cancel()

    greenlet = spawn(body)
    sleep(0.02)
    greenlet.kill()
    log(greenlet.value)


def a_timeout_in_a_pipeline(log):
    def slow():
        while True:
            item = queue.get()
            sleep(item / 1000)
            log("done", item)

    queue = Queue()
    worker = spawn(slow)
    for item in (10, 100):
        queue.put(item)
    log("in time", with_timeout(0.05, worker.join, timeout_value="no"))
    worker.kill()


def a_timeout_that_is_caught_in_a_loop(log):
    attempts = 0
    while attempts < 3:
        with Timeout(0.02, False):
            attempts += 1
            sleep(1)
            log("never")
        log("attempt", attempts)


def timeouts_of_several_greenlets(log):
    def body(ms):
        try:
            with Timeout(ms / 1000):
                sleep(1)
        except Timeout:
            log(ms)

    gevent.joinall([spawn(body, ms) for ms in (60, 20, 40)])

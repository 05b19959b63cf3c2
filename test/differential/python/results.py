"""AsyncResult."""
import gevent
from gevent import joinall, sleep, spawn
from gevent.event import AsyncResult

from shared import attempt


def states_of_an_async_result(log):
    def state():
        return [bool(result.ready()), result.successful(), result.value, result.exception]

    result = AsyncResult()
    log(state())
    result.set("value")
    log(state())
    result = AsyncResult()
    result.set_exception(KeyError())
    log(state())


def getters_of_an_async_result_wake_in_order(log):
    def getter(name):
        log(name, result.get())

    def waiter(name):
        log(name, result.wait())

    result = AsyncResult()
    waiters = [spawn(getter, "get 1"), spawn(waiter, "wait"), spawn(getter, "get 2")]
    sleep(0)
    result.set("value")
    log("set")
    joinall(waiters)


def an_async_result_with_an_error(log):
    def getter(name):
        try:
            result.get()
        except KeyError as caught:
            log(name, caught is error)

    error = KeyError()
    result = AsyncResult()
    waiters = [spawn(getter, "a"), spawn(getter, "b")]
    sleep(0)
    result.set_exception(error)
    joinall(waiters)
    getter("main")
    log("wait", result.wait())


def get_of_an_async_result_that_is_set_does_not_suspend(log):
    result = AsyncResult()
    result.set("value")
    spawn(log, "other")
    log(result.get(), result.wait(), result.get_nowait(), result.get(block=False))
    sleep(0)


def an_async_result_with_a_timeout(log):
    result = AsyncResult()
    attempt(log, "get_nowait", result.get_nowait)
    attempt(log, "poll", lambda: result.get(timeout=0))
    attempt(log, "get", lambda: result.get(timeout=0.02))
    attempt(log, "wait", lambda: result.wait(timeout=0.02))
    spawn(result.set, "value")
    attempt(log, "long enough", lambda: result.get(timeout=1))


def an_async_result_as_a_link(log):
    def body(error):
        sleep(0)
        if error is not None:
            raise error
        return "value"

    for error in (None, KeyError()):
        result = AsyncResult()
        spawn(body, error).link(result)
        try:
            log(result.get())
        except KeyError as caught:
            log(caught is error)


def rawlinks_of_an_async_result(log):
    result = AsyncResult()
    result.rawlink(lambda r: log("one", r is result, r.value))
    result.rawlink(lambda r: log("two"))
    result.set("value")
    log("set")
    sleep(0)
    log("main")
    result.rawlink(lambda r: log("late"))
    sleep(0)
    log("end")


def rawlinks_and_getters_of_an_async_result(log):
    def getter(name):
        result.get()
        log(name)

    result = AsyncResult()
    result.rawlink(lambda _: log("link 1"))
    spawn(getter, "getter 1")
    sleep(0)
    result.rawlink(lambda _: log("link 2"))
    spawn(getter, "getter 2")
    sleep(0)
    result.set("value")
    sleep(0)
    log("main")


def wait_for_async_results(log):
    def setter():
        for result in (results[1], results[0]):
            sleep(0.02)
            result.set(result is results[0])

    results = [AsyncResult(), AsyncResult()]
    spawn(setter)
    log([results.index(result) for result in gevent.wait(results, count=1)])
    log([result.value for result in results])
    log([results.index(result) for result in gevent.wait(results)])


def a_killed_getter_of_an_async_result_hinders_nobody(log):
    def getter(name):
        try:
            log(name, result.get())
        finally:
            log(name, "finally")

    result = AsyncResult()
    getters = [spawn(getter, name) for name in "abc"]
    sleep(0)
    getters[1].kill()
    result.set("value")
    joinall(getters)

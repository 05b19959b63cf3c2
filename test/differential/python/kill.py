"""What a kill does to the killed, in every state."""
from gevent import Greenlet, GreenletExit, sleep, spawn, spawn_later
from gevent.event import Event

from shared import attempt, ending


def kill_of_an_unstarted_greenlet(log):
    greenlet = Greenlet(log, "runs")
    greenlet.rawlink(lambda _: log("link"))
    log("kill", greenlet.kill())
    log(ending(greenlet))
    greenlet.start()
    sleep(0)
    log("main", greenlet.dead)


def kill_of_a_greenlet_that_has_not_begun(log):
    greenlet = spawn(log, "runs")
    greenlet.rawlink(lambda _: log("link"))
    greenlet.kill(block=False)
    log("killed")
    greenlet.join()
    log(ending(greenlet))


def kill_before_a_delayed_start(log):
    greenlet = spawn_later(0.02, log, "runs")
    greenlet.kill()
    log(ending(greenlet))
    sleep(0.04)
    log("main")


def kill_of_a_sleeper(log):
    def body():
        try:
            sleep(1)
        except GreenletExit as error:
            log("caught", error)
            raise
        finally:
            log("finally")

    greenlet = spawn(body)
    sleep(0)
    log("kill", greenlet.kill())
    log(ending(greenlet))


def kill_is_thrown_in_the_next_pass(log):
    def body():
        try:
            sleep(1)
        finally:
            log("finally")

    greenlet = spawn(body)
    sleep(0)
    spawn(log, "spawned before")
    greenlet.kill(block=False)
    spawn(log, "spawned after")
    log("killed", greenlet.dead)
    sleep(0)
    log("main", greenlet.dead)


def kill_of_one_that_is_ready_after_sleep_0(log):
    def body():
        try:
            sleep(0)
            sleep(0)
            log("runs on")
        finally:
            log("finally")

    greenlet = spawn(body)
    sleep(0)
    greenlet.kill()
    log(ending(greenlet))


def kill_that_is_caught(log):
    def body():
        try:
            sleep(1)
        except GreenletExit:
            log("caught")
        sleep(0.02)
        log("carried on")
        return "value"

    greenlet = spawn(body)
    sleep(0)
    greenlet.kill()
    log(ending(greenlet))


def kill_that_is_answered_with_an_error(log):
    def body():
        try:
            sleep(1)
        except GreenletExit:
            raise KeyError

    greenlet = spawn(body)
    sleep(0)
    greenlet.kill()
    log(ending(greenlet))


def kill_with_another_error(log):
    def body():
        try:
            sleep(1)
        finally:
            log("finally")

    greenlet = spawn(body)
    sleep(0)
    greenlet.kill(KeyError())
    log(ending(greenlet))
    attempt(log, "get", greenlet.get)


def kill_of_an_unstarted_greenlet_with_another_error(log):
    greenlet = Greenlet(log, "runs")
    greenlet.kill(KeyError())
    log(ending(greenlet))
    attempt(log, "get", greenlet.get)


def kill_of_an_ended_greenlet(log):
    greenlet = spawn(lambda: "value")
    greenlet.join()
    greenlet.kill()
    log(ending(greenlet))


def a_second_kill_during_a_finally_is_thrown_into_it(log):
    def body():
        try:
            sleep(1)
        finally:
            log("cleaning")
            try:
                sleep(0.04)
                log("clean")
            except GreenletExit:
                log("killed again")
                raise

    greenlet = spawn(body)
    sleep(0)
    greenlet.kill(block=False)
    sleep(0.02)
    greenlet.kill()
    log(ending(greenlet))


def kill_of_one_that_was_woken_before(log):
    def body():
        try:
            log("wait", event.wait())
            sleep(0)
            log("runs on")
        finally:
            log("finally")

    event = Event()
    greenlet = spawn(body)
    sleep(0)
    event.set()
    greenlet.kill()
    log(ending(greenlet))


def kill_of_one_that_is_woken_afterwards(log):
    def body():
        try:
            log("wait", event.wait())
        finally:
            log("finally")

    event = Event()
    greenlet = spawn(body)
    sleep(0)
    greenlet.kill(block=False)
    event.set()
    greenlet.join()
    log(ending(greenlet))


def kill_of_a_greenlet_in_a_nested_call(log):
    def inner():
        try:
            sleep(1)
        finally:
            log("inner")

    def outer():
        try:
            inner()
        except GreenletExit as error:
            log("outer", error)
            raise
        finally:
            log("outer finally")

    greenlet = spawn(outer)
    sleep(0)
    greenlet.kill()
    log(ending(greenlet))


def kill_in_a_loop_of_catches(log):
    def stubborn():
        for life in range(3):
            try:
                sleep(1)
            except GreenletExit:
                log("life", life)
        return "value"

    greenlet = spawn(stubborn)
    sleep(0)
    for _ in range(3):
        greenlet.kill(block=False)
        sleep(0)
    greenlet.join()
    log(ending(greenlet))

"""What a kill means to the killer and to others; killall."""
import gevent
from gevent import Greenlet, GreenletExit, joinall, killall, sleep, spawn
from gevent.event import Event

from shared import ending


def kill_waits_for_a_finally_that_suspends(log):
    def body():
        try:
            sleep(1)
        finally:
            log("cleaning")
            sleep(0.02)
            log("clean")

    greenlet = spawn(body)
    sleep(0)
    greenlet.kill()
    log("killed")


def kill_that_does_not_wait(log):
    def body():
        try:
            sleep(1)
        finally:
            log("cleaning")
            sleep(0)
            log("clean")

    greenlet = spawn(body)
    sleep(0)
    greenlet.kill(block=False)
    log("killed", greenlet.dead)
    greenlet.join()
    log("joined", greenlet.dead)


def kill_with_a_timeout(log):
    def body():
        try:
            sleep(1)
        finally:
            sleep(0.04)
            log("clean")

    greenlet = spawn(body)
    sleep(0)
    log("kill", greenlet.kill(timeout=0.02), greenlet.dead)
    greenlet.join()
    log("joined", greenlet.dead)


def kill_of_oneself(log):
    def body():
        try:
            gevent.getcurrent().kill()
            log("runs on")
        finally:
            log("finally")

    greenlet = spawn(body)
    greenlet.join()
    log(ending(greenlet))


def kill_by_a_sibling_that_was_woken_before(log):
    def victim():
        try:
            log("victim", event.wait())
            sleep(1)
        finally:
            log("victim finally")

    def killer():
        log("killer", event.wait())
        target.kill()
        log("killed")

    event = Event()
    last = spawn(killer)
    target = spawn(victim)
    sleep(0)
    event.set()
    last.join()
    log(ending(target))


def kill_of_a_joiner_and_of_a_getter(log):
    def joiner(name, call):
        try:
            call()
            log(name, "runs on")
        finally:
            log(name, "finally")

    target = spawn(sleep, 0.02)
    waiters = [spawn(joiner, "join", target.join), spawn(joiner, "get", target.get)]
    sleep(0)
    killall(waiters)
    target.join()
    log([ending(waiter) for waiter in waiters])
    log(target.successful(), target.value)


def kill_from_a_link(log):
    def body():
        try:
            sleep(1)
        finally:
            log("finally")

    victim = spawn(body)
    first = spawn(sleep, 0)
    first.rawlink(lambda _: victim.kill(block=False))
    victim.join()
    log(ending(victim))


def kill_takes_along_a_child_through_finally(log):
    def child():
        try:
            sleep(1)
        finally:
            log("child finally")

    def parent():
        greenlet = spawn(child)
        try:
            greenlet.join()
        finally:
            log("parent finally")
            greenlet.kill()
            log("parent end")

    greenlet = spawn(parent)
    sleep(0)
    sleep(0)
    greenlet.kill()
    log("main", greenlet.dead)


def killall_ends_the_blocked_in_order(log):
    def body(name):
        try:
            sleep(1)
        finally:
            log(name, "finally")

    greenlets = [spawn(body, name) for name in "abc"]
    sleep(0)
    log("killall", killall(greenlets))
    log([greenlet.value for greenlet in greenlets])


def killall_of_some_that_have_not_begun(log):
    def body(name):
        try:
            log(name, "runs")
            sleep(1)
        finally:
            log(name, "finally")

    begun = spawn(body, "begun")
    sleep(0)
    scheduled = spawn(body, "scheduled")
    unstarted = Greenlet(body, "unstarted")
    killall([unstarted, scheduled, begun])
    log([ending(greenlet) for greenlet in (begun, scheduled, unstarted)])


def killall_waits_for_a_finally_that_suspends(log):
    def body(ms):
        try:
            sleep(1)
        finally:
            sleep(ms / 1000)
            log(ms)

    greenlets = [spawn(body, ms) for ms in (50, 10, 30)]
    sleep(0)
    killall(greenlets)
    log("killed")


def killall_with_a_timeout(log):
    def body():
        try:
            sleep(1)
        finally:
            sleep(0.04)
            log("clean")

    greenlets = [spawn(body), spawn(sleep, 1)]
    sleep(0)
    try:
        killall(greenlets, timeout=0.02)
    except gevent.Timeout as error:
        log(error, [greenlet.dead for greenlet in greenlets])
    joinall(greenlets)
    log("joined")


def killall_with_another_error(log):
    greenlets = [spawn(sleep, 1), spawn(sleep, 1)]
    sleep(0)
    killall(greenlets, KeyError)
    log([ending(greenlet) for greenlet in greenlets])


def killall_with_one_that_catches_and_carries_on(log):
    def stubborn():
        try:
            sleep(1)
        except GreenletExit:
            log("caught")
        sleep(0.02)
        return "value"

    greenlets = [spawn(stubborn), spawn(sleep, 1)]
    sleep(0)
    killall(greenlets)
    log([greenlet.value for greenlet in greenlets])


def kill_while_it_waits_for_one_that_ends(log):
    def waiter():
        try:
            log("got", target.get())
        finally:
            log("finally")

    target = spawn(lambda: "value")
    greenlet = spawn(waiter)
    target.join()
    greenlet.kill()
    log(ending(greenlet))


def kill_of_a_greenlet_that_kills(log):
    def stubborn():
        try:
            sleep(1)
        finally:
            sleep(0.02)
            log("stubborn ends")

    def killer():
        try:
            target.kill()
        finally:
            log("killer finally")

    target = spawn(stubborn)
    last = spawn(killer)
    sleep(0)
    sleep(0)
    last.kill()
    log("killed", target.dead)
    target.join()


def links_of_a_killed_greenlet(log):
    greenlet = spawn(sleep, 1)
    greenlet.link_value(lambda g: log("link_value", g.value))
    greenlet.link_exception(lambda g: log("link_exception"))
    greenlet.rawlink(lambda g: log("rawlink", g.successful()))
    sleep(0)
    greenlet.kill(block=False)
    sleep(0)
    sleep(0)
    log("main")


def killall_of_ended_greenlets(log):
    greenlets = [spawn(lambda: "value"), spawn(sleep, 1)]
    sleep(0)
    killall(greenlets)
    killall(greenlets)
    killall([])
    log([greenlet.value for greenlet in greenlets])

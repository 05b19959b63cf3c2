"""Links of greenlets."""
from gevent import sleep, spawn


def links_fire_in_the_order_of_registration(log):
    def joiner():
        greenlet.join()
        log("join")

    def getter():
        log("get", greenlet.get())

    greenlet = spawn(sleep, 0.02)
    greenlet.rawlink(lambda _: log("rawlink 1"))
    spawn(joiner)
    sleep(0)
    greenlet.link(lambda _: log("link"))
    greenlet.rawlink(lambda _: log("rawlink 2"))
    spawn(getter)
    sleep(0)
    greenlet.link_value(lambda _: log("link_value"))
    greenlet.link_exception(lambda _: log("link_exception"))
    greenlet.join()
    log("main")


def links_of_a_failure(log):
    def body():
        raise KeyError

    greenlet = spawn(body)
    greenlet.link_value(lambda g: log("link_value", g.exception))
    greenlet.link_exception(lambda g: log("link_exception", g.exception))
    greenlet.link(lambda g: log("link", g.exception))
    greenlet.rawlink(lambda g: log("rawlink", g.exception))
    sleep(0)
    sleep(0)
    log("main")


def links_run_in_the_pass_after_the_end(log):
    def body():
        spawn(log, "spawned before the end")
        log("end")

    greenlet = spawn(body)
    greenlet.rawlink(lambda _: log("rawlink"))
    spawn(log, "spawned before the start")
    sleep(0)
    log("main 1", greenlet.ready())
    sleep(0)
    log("main 2")


def links_to_an_ended_greenlet(log):
    greenlet = spawn(lambda: "value")
    greenlet.join()
    greenlet.rawlink(lambda g: log("rawlink", g.value))
    greenlet.link(lambda g: log("link", g.value))
    log("linked")
    sleep(0)
    log("main 1")
    sleep(0)
    log("main 2")


def a_link_that_blocks_holds_up_nobody(log):
    def slow(_):
        log("slow begins")
        sleep(0.02)
        log("slow ends")

    greenlet = spawn(lambda: None)
    greenlet.link(slow)
    greenlet.link(lambda _: log("other"))
    greenlet.join()
    log("joined")
    sleep(0.04)


def a_link_that_fails_stops_nobody(log):
    def failing(_):
        log("failing")
        raise KeyError

    greenlet = spawn(lambda: None)
    greenlet.rawlink(failing)
    greenlet.link(failing)
    greenlet.rawlink(lambda _: log("other"))
    greenlet.join()
    log("joined")


def unlink_before_and_while_links_are_called(log):
    def one(_):
        log("one")
        greenlet.unlink(two)

    def two(_):
        log("two")

    def three(_):
        log("three")

    greenlet = spawn(lambda: None)
    for link in (one, two, three):
        greenlet.rawlink(link)
    greenlet.unlink(three)
    greenlet.unlink(log)
    greenlet.join()
    log("joined")


def a_link_that_adds_a_link(log):
    def first(_):
        log("first")
        greenlet.rawlink(lambda _: log("added"))

    greenlet = spawn(lambda: None)
    greenlet.rawlink(first)
    greenlet.rawlink(lambda _: log("second"))
    greenlet.join()
    sleep(0)
    log("main")

"""Raw greenlets: switch, throw, parents."""
import gevent
from greenlet import GreenletExit, getcurrent, greenlet

from shared import attempt


def switches_back_and_forth(log):
    def ping():
        for turn in range(3):
            log("ping", turn)
            pong_greenlet.switch()

    def pong():
        for turn in range(3):
            log("pong", turn)
            ping_greenlet.switch()

    ping_greenlet = greenlet(ping)
    pong_greenlet = greenlet(pong)
    ping_greenlet.switch()
    log("main", ping_greenlet.dead, pong_greenlet.dead)


def switches_carry_values(log):
    def echo(*args):
        while True:
            args = main.switch("heard", args)

    main = getcurrent()
    other = greenlet(echo)
    log(other.switch("one", "two"))
    log(other.switch("three"))
    log(other.switch("four", "five"))
    other.throw()


def arguments_of_the_first_switch(log):
    def body(*args):
        log(len(args), list(args))

    for args in ((), ("a",), ("a", "b")):
        greenlet(body).switch(*args)


def value_of_a_switch_without_arguments(log):
    def body():
        log("body", main.switch())
        log("body", main.switch("a"))
        log("body", main.switch("a", "b"))

    main = getcurrent()
    other = greenlet(body)
    log("main", other.switch())
    log("main", other.switch())
    log("main", other.switch(1))
    log("main", other.switch(1, 2))


def the_parent_gets_what_a_greenlet_returns(log):
    def body(value):
        log("body", value)
        return "result"

    child = greenlet(body)
    log(child.switch("argument"), child.dead)


def the_parent_gets_the_error_of_a_greenlet(log):
    def body():
        raise KeyError

    child = greenlet(body)
    attempt(log, "switch", child.switch)
    log(child.dead)


def the_parent_gets_an_exit_as_a_value(log):
    def body():
        raise GreenletExit

    log(greenlet(body).switch())


def states_of_a_raw_greenlet(log):
    def state():
        return [bool(child), child.dead]

    def body():
        log("runs", state())
        main.switch()
        log("runs on", state())

    main = getcurrent()
    child = greenlet(body)
    log("made", state())
    child.switch()
    log("suspended", state())
    child.switch()
    log("ended", state(), child.parent is main)


def a_chain_of_parents(log):
    def inner():
        log("inner")
        return "from inner"

    def outer():
        log("outer", greenlet(inner).switch())
        return "from outer"

    log("main", greenlet(outer).switch())


def a_greenlet_that_is_switched_to_by_another_returns_to_its_parent(log):
    def child():
        log("child")
        return "child's result"

    def stranger():
        log("stranger", child_greenlet.switch())

    child_greenlet = greenlet(child)
    stranger_greenlet = greenlet(stranger)
    log("main", stranger_greenlet.switch(), stranger_greenlet.dead)
    log("main", stranger_greenlet.switch("back"), stranger_greenlet.dead)


def another_parent(log):
    def collector(value):
        log("collector", value)
        return "collected"

    child = greenlet(lambda: "result")
    child.parent = greenlet(collector)
    log(child.switch())


def an_error_passes_a_parent_that_has_not_begun(log):
    def body():
        raise KeyError

    parent = greenlet(lambda value: log("parent runs"))
    child = greenlet(body, parent)
    attempt(log, "switch", child.switch)
    log(parent.dead, child.dead)


def a_parent_that_catches_the_error_of_its_child(log):
    def failing():
        raise KeyError

    def parent():
        attempt(log, "parent", greenlet(failing).switch)
        return "fine"

    log(greenlet(parent).switch())


def a_switch_to_a_dead_greenlet_goes_to_its_parent(log):
    def parent():
        child = greenlet(lambda: "result")
        log("parent", child.switch())
        log("parent", child.switch("again"))
        log("parent", main.switch(child))
        return "parent's end"

    main = getcurrent()
    parent_greenlet = greenlet(parent)
    child = parent_greenlet.switch()
    log("main", child.switch("from main"))
    log("main", child.switch("to myself"))


def a_switch_to_oneself_returns_at_once(log):
    def body():
        log("body", getcurrent().switch("a", "b"))

    log(getcurrent().switch("value"))
    greenlet(body).switch()


def throw_into_a_suspended_greenlet(log):
    def body():
        attempt(log, "caught", lambda: main.switch("waits"))
        return "result"

    main = getcurrent()
    child = greenlet(body)
    log(child.switch())
    log(child.throw(KeyError()), child.dead)


def throw_that_is_not_caught(log):
    def body():
        try:
            main.switch()
        finally:
            log("finally")

    main = getcurrent()
    child = greenlet(body)
    child.switch()
    attempt(log, "throw", lambda: child.throw(KeyError()))
    log(child.dead)


def throw_without_an_error_is_an_exit(log):
    def body():
        try:
            main.switch()
        finally:
            log("finally")

    main = getcurrent()
    child = greenlet(body)
    child.switch()
    log(child.throw(), child.dead)


def throw_into_a_greenlet_that_has_not_begun(log):
    for error in (KeyError(), GreenletExit()):
        child = greenlet(lambda: log("runs"))
        attempt(log, "throw", lambda: child.throw(error))
        log(child.dead)


def throw_into_a_dead_greenlet(log):
    child = greenlet(lambda: "result")
    child.switch()
    attempt(log, "throw", lambda: child.throw(KeyError()))
    attempt(log, "throw", child.throw)


def throw_goes_to_the_parents_of_the_target(log):
    def parent():
        attempt(log, "parent", main.switch)
        return "parent's end"

    def thrower():
        log("thrower", greenlet(lambda: None, parent_greenlet).throw(KeyError()))

    main = getcurrent()
    parent_greenlet = greenlet(parent)
    parent_greenlet.switch()
    log("main", greenlet(thrower).switch())


def generators_made_of_greenlets(log):
    class Generator:
        def __init__(self, body, *args):
            self.greenlet = greenlet(lambda: self.run(body, args))

        def run(self, body, args):
            body(self, *args)
            self.done = True

        def give(self, value):
            self.reader.switch(value)

        def __iter__(self):
            self.done = False
            while True:
                self.reader = self.greenlet.parent = getcurrent()
                value = self.greenlet.switch()
                if self.done:
                    return
                yield value

    def numbers(generator, n):
        for number in range(n):
            generator.give(number)

    def pairs(generator, n):
        for one in Generator(numbers, n):
            for other in Generator(numbers, one):
                generator.give([one, other])

    for pair in Generator(pairs, 4):
        log(pair)


def a_raw_greenlet_that_sleeps(log):
    def body():
        log("body")
        gevent.sleep(0.02)
        log("body slept")
        return "result"

    gevent.spawn(log, "other")
    log(greenlet(body).switch())


def throw_into_oneself(log):
    attempt(log, "throw", lambda: getcurrent().throw(KeyError()))
    log("goes on")


def an_error_that_goes_through_several_parents(log):
    def body(name, target):
        try:
            target.switch()
        finally:
            log(name, "finally")

    def fail():
        raise KeyError

    one = greenlet(body)
    two = greenlet(body, one)
    three = greenlet(fail, two)
    attempt(log, "main", lambda: one.switch("one", greenlet(lambda: two.switch("two", three), one)))
    log(one.dead, two.dead, three.dead)


def a_new_parent_of_a_dead_greenlet(log):
    main = getcurrent()
    parent = greenlet(lambda: log("parent", main.switch()))
    parent.switch()
    child = greenlet(lambda: "result")
    log(child.switch())
    child.parent = parent
    log("main", child.switch("for the new parent"))


def parents_that_cannot_be(log):
    def attempt_parent(name, parent):
        try:
            child.parent = parent
        except (TypeError, ValueError):
            log(name, "error")

    child = greenlet(lambda: None)
    grandchild = greenlet(lambda: None, child)
    attempt_parent("itself", child)
    attempt_parent("its child", grandchild)
    attempt_parent("a number", 1)
    log(child.parent is getcurrent())


def a_ring_of_switches(log):
    def body(name, index):
        for turn in range(2):
            log(name, turn)
            ring[(index + 1) % len(ring)].switch()

    ring = [greenlet(lambda name=name, index=index: body(name, index)) for index, name in enumerate("abc")]
    ring[0].switch()
    log([one.dead for one in ring])


def values_that_are_handed_back_and_forth(log):
    def accumulate(total):
        while True:
            total += main.switch(total)

    main = getcurrent()
    adder = greenlet(accumulate)
    log([adder.switch(number) for number in (1, 2, 3)])


def a_raw_greenlet_within_a_spawned_greenlet(log):
    def raw():
        log("raw")
        gevent.sleep(0)
        log("raw again")
        return "result"

    def body(name):
        log(name, greenlet(raw).switch())

    gevent.joinall([gevent.spawn(body, name) for name in "ab"])


def children_that_outlive_their_parent(log):
    def fail():
        raise KeyError

    def make():
        children.extend([greenlet(lambda: "result"), greenlet(fail)])

    children = []
    parent = greenlet(make)
    parent.switch()
    log(parent.dead, children[0].parent is parent)
    for child in children:
        attempt(log, "main", child.switch)

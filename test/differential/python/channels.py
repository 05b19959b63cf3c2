"""Channel."""
from gevent import joinall, sleep, spawn
from gevent.queue import Channel

from shared import attempt


def a_channel_hands_over(log):
    def putter():
        for item in "ab":
            channel.put(item)
            log("put", item)

    channel = Channel()
    log(channel.qsize(), channel.empty(), channel.full(), channel.balance)
    greenlet = spawn(putter)
    sleep(0)
    log("balance", channel.balance)
    for _ in range(2):
        log("got", channel.get())
    greenlet.join()
    log("balance", channel.balance)


def a_channel_with_a_getter_that_waits(log):
    def getter():
        for _ in range(2):
            log("got", channel.get())

    channel = Channel()
    greenlet = spawn(getter)
    sleep(0)
    log("balance", channel.balance)
    for item in "ab":
        channel.put(item)
        log("put", item)
    greenlet.join()


def several_getters_and_putters_of_a_channel(log):
    def getter(name):
        log(name, "got", channel.get())

    def putter(name):
        channel.put(name)
        log("put", name)

    channel = Channel()
    getters = [spawn(getter, name) for name in "xyz"]
    putters = [spawn(putter, name) for name in "abc"]
    joinall(getters + putters)


def time_is_up_in_a_channel(log):
    channel = Channel()
    attempt(log, "get", lambda: channel.get(timeout=0.02))
    attempt(log, "put", lambda: channel.put("a", timeout=0.02))
    attempt(log, "get_nowait", channel.get_nowait)
    attempt(log, "put_nowait", lambda: channel.put_nowait("a"))
    log("balance", channel.balance)


def killed_getters_and_putters_of_a_channel(log):
    def getter(name):
        log(name, "got", channel.get())

    def putter(name):
        channel.put(name)
        log("put", name)

    channel = Channel()
    getters = [spawn(getter, name) for name in "xy"]
    sleep(0)
    getters[0].kill()
    log("balance", channel.balance)
    channel.put("item")
    getters[1].join()
    putters = [spawn(putter, name) for name in "ab"]
    sleep(0)
    putters[0].kill()
    log("balance", channel.balance)
    log("main got", channel.get())
    putters[1].join()


def polls_of_a_channel(log):
    def putter():
        channel.put("b")
        log("put b")

    channel = Channel()
    getter = spawn(channel.get)
    sleep(0)
    attempt(log, "put_nowait", lambda: channel.put_nowait("a"))
    log("got", getter.get())
    greenlet = spawn(putter)
    sleep(0)
    attempt(log, "get_nowait", channel.get_nowait)
    greenlet.join()


def a_channel_that_goes_through_three(log):
    def stage(source, target):
        for _ in range(3):
            target.put(source.get() + "!")

    def feed():
        for item in "abc":
            one.put(item)
            log("fed", item)

    one, two, three = Channel(), Channel(), Channel()
    spawn(feed)
    spawn(stage, one, two)
    spawn(stage, two, three)
    for _ in range(3):
        log(three.get())

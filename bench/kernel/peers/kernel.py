"""The Python side of the kernel tables: kernel.py <case> <numbers...>; prints "figure <number>"."""
import asyncio
import gc
import os
import random
import resource
import sys
import time

import gevent
import greenlet
from gevent.event import Event
from gevent.queue import Channel


def best(operations, run):
    """Nanoseconds per operation of the best pass, as harness/passes.mjs does; nothing warms up here."""
    end = time.perf_counter() + int(os.environ.get("BENCH_MILLISECONDS", "160")) / 1000
    least = float("inf")
    while True:
        begin = time.perf_counter_ns()
        run()
        least = min(least, time.perf_counter_ns() - begin)
        if time.perf_counter() >= end:
            return least / operations


def gevent_sleep(tasks, turns):
    def task():
        for _ in range(turns):
            gevent.sleep(0)

    return best(tasks * turns, lambda: gevent.joinall([gevent.spawn(task) for _ in range(tasks)]))


def asyncio_sleep(tasks, turns):
    async def task():
        for _ in range(turns):
            await asyncio.sleep(0)

    async def main():
        await asyncio.gather(*[task() for _ in range(tasks)])

    return best(tasks * turns, lambda: asyncio.run(main()))


def gevent_get(operations):
    finished = gevent.spawn(lambda: 1)
    finished.join()

    def task():
        for _ in range(operations):
            finished.get()

    return best(operations, lambda: gevent.spawn(task).join())


def greenlet_switch(rounds):
    def run():
        ping = greenlet.getcurrent()

        def answer(value):
            while value < rounds:
                value = ping.switch(value + 1)

        pong = greenlet.greenlet(answer)
        value = 0
        while value is not None and value < rounds:
            value = pong.switch(value)

    return best(2 * rounds, run)


def gevent_channel(rounds):
    def run():
        there, back = Channel(), Channel()

        def ping():
            for _ in range(rounds):
                there.put(1)
                back.get()

        def pong():
            for _ in range(rounds):
                there.get()
                back.put(1)

        gevent.joinall([gevent.spawn(ping), gevent.spawn(pong)])

    return best(2 * rounds, run)


def gevent_spawn(tasks):
    return best(tasks, lambda: gevent.joinall([gevent.spawn(lambda: 1) for _ in range(tasks)]))


def asyncio_spawn(tasks):
    async def task():
        return 1

    async def main():
        await asyncio.gather(*[asyncio.create_task(task()) for _ in range(tasks)])

    return best(tasks, lambda: asyncio.run(main()))


def gevent_tree(leaves):
    def node(first, size):
        if size == 1:
            return first
        children = [gevent.spawn(node, first + index * size // 10, size // 10) for index in range(10)]
        return sum(child.get() for child in children)

    tasks = (leaves * 10 - 1) // 9
    return best(tasks, lambda: gevent.spawn(node, 0, leaves).get())


def resident_bytes():
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def gevent_memory(tasks):
    never = Event()
    gc.collect()
    before = resident_bytes()
    kept = [gevent.spawn(never.wait) for _ in range(tasks)]
    gevent.sleep(0)
    gevent.sleep(0)
    return (resident_bytes() - before) / len(kept)


def greenlet_memory(tasks):
    main = greenlet.getcurrent()
    gc.collect()
    before = resident_bytes()
    kept = [greenlet.greenlet(lambda: main.switch()) for _ in range(tasks)]
    for each in kept:
        each.switch()
    return (resident_bytes() - before) / len(kept)


def asyncio_memory(tasks):
    async def main():
        never = asyncio.Event()
        gc.collect()
        before = resident_bytes()
        kept = [asyncio.create_task(never.wait()) for _ in range(tasks)]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        finish((resident_bytes() - before) / len(kept))

    asyncio.run(main())


def gevent_timeout(tasks, calls):
    def task():
        for _ in range(calls):
            with gevent.Timeout(30):
                gevent.sleep(0)

    return best(tasks * calls, lambda: gevent.joinall([gevent.spawn(task) for _ in range(tasks)]))


def asyncio_timeout(tasks, calls):
    async def task():
        for _ in range(calls):
            async with asyncio.timeout(30):
                await asyncio.sleep(0)

    async def main():
        await asyncio.gather(*[task() for _ in range(tasks)])

    return best(tasks * calls, lambda: asyncio.run(main()))


def cpu_milliseconds():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return (usage.ru_utime + usage.ru_stime) * 1000


def gevent_sleepers(tasks):
    before = cpu_milliseconds()
    gevent.joinall([gevent.spawn(gevent.sleep, random.random()) for _ in range(tasks)])
    return cpu_milliseconds() - before


def asyncio_sleepers(tasks):
    async def main():
        await asyncio.gather(*[asyncio.sleep(random.random()) for _ in range(tasks)])

    before = cpu_milliseconds()
    asyncio.run(main())
    return cpu_milliseconds() - before


def finish(figure):
    """Ends at once: taking 100,000 blocked tasks apart would last longer than measuring them."""
    print("figure", figure, flush=True)
    os._exit(0)


finish(globals()[sys.argv[1]](*map(int, sys.argv[2:])))

"""The Python side of the sync tables: sync.py <case> <arguments...>; prints "figure <number>"."""
import asyncio
import os
import random
import sys
import time

import gevent
import gevent.event
import gevent.lock
import gevent.pool
import gevent.queue


def best_timed(operations, timed_pass):
    """Nanoseconds per operation of the best pass, as harness/passes.mjs does; nothing warms up here."""
    end = time.perf_counter() + int(os.environ.get("BENCH_MILLISECONDS", "160")) / 1000
    least = float("inf")
    while True:
        least = min(least, timed_pass())
        if time.perf_counter() >= end:
            return least / operations


def best(operations, run):
    def timed_pass():
        begin = time.perf_counter_ns()
        run()
        return time.perf_counter_ns() - begin

    return best_timed(operations, timed_pass)


def best_of_greenlets(operations, *bodies):
    return best(operations, lambda: gevent.joinall([gevent.spawn(body) for body in bodies], raise_error=True))


def best_of_tasks(operations, make_bodies):
    """`make_bodies` is called in the running loop and gives coroutine functions."""

    async def main():
        await asyncio.gather(*[body() for body in make_bodies()])

    return best(operations, lambda: asyncio.run(main()))


def gevent_lock(tasks, turns, yields):
    lock = gevent.lock.Semaphore(1)

    def uncontended():
        for _ in range(turns):
            lock.acquire()
            lock.release()

    def contended():
        for _ in range(turns):
            lock.acquire()
            gevent.sleep(0)
            lock.release()

    return best_of_greenlets(tasks * turns, *[contended if yields else uncontended] * tasks)


def asyncio_lock(tasks, turns, yields):
    def make_bodies():
        lock = asyncio.Lock()

        async def uncontended():
            for _ in range(turns):
                await lock.acquire()
                lock.release()

        async def contended():
            for _ in range(turns):
                await lock.acquire()
                await asyncio.sleep(0)
                lock.release()

        return [contended if yields else uncontended] * tasks

    return best_of_tasks(tasks * turns, make_bodies)


def gevent_rlock(rounds):
    lock = gevent.lock.RLock()

    def body():
        for _ in range(rounds):
            lock.acquire()
            lock.acquire()
            lock.release()
            lock.release()

    return best_of_greenlets(2 * rounds, body)


def gevent_semaphores(rounds):
    ping, pong = gevent.lock.Semaphore(1), gevent.lock.Semaphore(0)

    def player(own, other):
        for _ in range(rounds):
            own.acquire()
            other.release()

    return best_of_greenlets(2 * rounds, lambda: player(ping, pong), lambda: player(pong, ping))


def asyncio_semaphores(rounds):
    def make_bodies():
        ping, pong = asyncio.Semaphore(1), asyncio.Semaphore(0)

        async def player(own, other):
            for _ in range(rounds):
                await own.acquire()
                other.release()

        return [lambda: player(ping, pong), lambda: player(pong, ping)]

    return best_of_tasks(2 * rounds, make_bodies)


def gevent_condition(rounds):
    from gevent import monkey

    monkey.patch_thread()
    from threading import Condition, Lock

    condition = Condition(Lock())
    turn = 0

    def player(me):
        nonlocal turn
        for _ in range(rounds):
            with condition:
                while turn != me:
                    condition.wait()
                turn = 1 - me
                condition.notify()

    return best_of_greenlets(2 * rounds, lambda: player(0), lambda: player(1))


def asyncio_condition(rounds):
    def make_bodies():
        condition = asyncio.Condition()
        turn = 0

        async def player(me):
            nonlocal turn
            for _ in range(rounds):
                async with condition:
                    while turn != me:
                        await condition.wait()
                    turn = 1 - me
                    condition.notify()

        return [lambda: player(0), lambda: player(1)]

    return best_of_tasks(2 * rounds, make_bodies)


def gevent_event(waiters, events):
    def run():
        all_events = [gevent.event.Event() for _ in range(events)]

        def waiting():
            for event in all_events:
                event.wait()

        def setting():
            for event in all_events:
                gevent.sleep(0)
                event.set()

        gevent.joinall([gevent.spawn(body) for body in [waiting] * waiters + [setting]], raise_error=True)

    return best(waiters * events, run)


def asyncio_event(waiters, events):
    def make_bodies():
        all_events = [asyncio.Event() for _ in range(events)]

        async def waiting():
            for event in all_events:
                await event.wait()

        async def setting():
            for event in all_events:
                await asyncio.sleep(0)
                event.set()

        return [waiting] * waiters + [setting]

    return best_of_tasks(waiters * events, make_bodies)


def gevent_ready(kind, operations):
    queue = getattr(gevent.queue, kind)()

    def body():
        put, get = queue.put, queue.get
        for item in range(operations):
            put(item)
            if get() != item:
                raise AssertionError("an item is lost or out of order")

    return best_of_greenlets(operations, body)


def asyncio_ready(operations):
    def make_bodies():
        queue = asyncio.Queue()

        async def body():
            for item in range(operations):
                await queue.put(item)
                if await queue.get() != item:
                    raise AssertionError("an item is lost or out of order")

        return [body]

    return best_of_tasks(operations, make_bodies)


def gevent_hand_off(queue, items):
    def putting():
        put = queue.put
        for item in range(items):
            put(item)

    def getting():
        get = queue.get
        for item in range(items):
            if get() != item:
                raise AssertionError("an item is lost or out of order")

    return best_of_greenlets(items, putting, getting)


def gevent_queue(maxsize, items):
    return gevent_hand_off(gevent.queue.Queue(maxsize or None), items)


def gevent_channel(items):
    return gevent_hand_off(gevent.queue.Channel(), items)


def asyncio_queue(maxsize, items):
    def make_bodies():
        queue = asyncio.Queue(maxsize)

        async def putting():
            for item in range(items):
                await queue.put(item)

        async def getting():
            for item in range(items):
                if await queue.get() != item:
                    raise AssertionError("an item is lost or out of order")

        return [putting, getting]

    return best_of_tasks(items, make_bodies)


def gevent_pool(size, tasks, yields):
    def give_way(item):
        gevent.sleep(0)
        return item

    def at_once(item):
        return item

    function = give_way if yields else at_once
    return best(tasks, lambda: gevent.spawn(gevent.pool.Pool(size).map, function, range(tasks)).get())


def asyncio_pool(size, tasks, yields):
    async def main():
        semaphore = asyncio.Semaphore(size)

        async def task(item):
            async with semaphore:
                if yields:
                    await asyncio.sleep(0)
                return item

        await asyncio.gather(*[task(item) for item in range(tasks)])

    return best(tasks, lambda: asyncio.run(main()))


def in_order(tasks, order):
    if order == "random":
        return random.Random(1).sample(tasks, len(tasks))
    return tasks[::-1] if order == "back to front" else tasks


def gevent_kill(tasks, order):
    def timed_pass():
        semaphore = gevent.lock.Semaphore(0)
        victims = in_order([gevent.spawn(semaphore.acquire) for _ in range(tasks)], order)
        gevent.sleep(0)
        begin = time.perf_counter_ns()
        gevent.killall(victims)
        return time.perf_counter_ns() - begin

    return best_timed(tasks, timed_pass)


def asyncio_kill(tasks, order):
    async def main():
        semaphore = asyncio.Semaphore(0)
        victims = in_order([asyncio.create_task(semaphore.acquire()) for _ in range(tasks)], order)
        await asyncio.sleep(0)
        begin = time.perf_counter_ns()
        for victim in victims:
            victim.cancel()
        await asyncio.wait(victims)
        return time.perf_counter_ns() - begin

    return best_timed(tasks, lambda: asyncio.run(main()))


def finish(figure):
    """Ends at once: taking many tasks apart would last longer than measuring them."""
    print("figure", figure, flush=True)
    os._exit(0)


def argument(text):
    return int(text) if text.isdigit() else text


finish(globals()[sys.argv[1]](*map(argument, sys.argv[2:])))

"""Pool, and the mapping of both."""
import gevent
from gevent import Greenlet, joinall, sleep, spawn
from gevent.pool import Group, Pool, PoolFull

from shared import after, attempt


def spawn_in_a_full_pool_waits(log):
    def worker(ms):
        log(ms, "begins")
        sleep(ms / 1000)
        log(ms, "ends")

    pool = Pool(2)
    for ms in (50, 20, 60):
        log("spawn", ms)
        pool.spawn(worker, ms)
    log("spawned", len(pool), pool.free_count())
    pool.join()
    log("joined", len(pool), pool.free_count())


def places_of_a_pool_are_given_in_order(log):
    def spawner(name):
        log(name, "waits")
        pool.spawn(sleep, 0)
        log(name, "spawned")

    pool = Pool(1)
    pool.spawn(sleep, 0.02)
    joinall([spawn(spawner, name) for name in "abc"])
    pool.join()


def wait_available_of_a_pool(log):
    pool = Pool(2)
    log(pool.wait_available(), pool.full())
    pool.spawn(sleep, 0.03)
    pool.spawn(sleep, 0.06)
    log(pool.full(), pool.free_count())
    log(pool.wait_available(timeout=0.01), pool.full())
    log(pool.wait_available(), pool.free_count())
    pool.join()
    log(pool.wait_available(), pool.free_count())


def add_to_a_full_pool(log):
    pool = Pool(1)
    pool.add(spawn(sleep, 0.06))
    for options in ({"blocking": False}, {"timeout": 0.02}, {"timeout": 1}):
        greenlet = Greenlet(log, "runs")
        try:
            pool.add(greenlet, **options)
            log("added", len(pool))
            greenlet.kill()
        except PoolFull as error:
            log(error)


def a_pool_of_unlimited_size(log):
    pool = Pool()
    for name in "abc":
        pool.spawn(log, name)
    log("spawned", len(pool), pool.full())
    pool.join()
    log("joined")


def map_of_a_pool_gives_the_results_in_order(log):
    def work(ms):
        log("begins", ms)
        sleep(ms / 1000)
        log("ends", ms)
        return 2 * ms

    log(Pool(2).map(work, [50, 20, 60]))


def map_of_a_pool_throws_the_first_error_in_order(log):
    def work(item):
        sleep(item / 1000)
        if item != 30:
            raise (KeyError if item == 50 else TypeError)
        log("ends", item)

    pool = Pool(3)
    attempt(log, "map", lambda: pool.map(work, [50, 10, 30]))
    log(len(pool))


def map_of_a_group(log):
    def work(item):
        log(item)
        sleep(0)
        log(item, "ends")
        return item

    log(Group().map(work, "ab"))


def imap_gives_the_results_in_order(log):
    def work(ms):
        sleep(ms / 1000)
        log("ends", ms)
        return ms

    for result in Pool(3).imap(work, [70, 20, 45]):
        log("result", result)


def imap_unordered_gives_the_results_as_they_come(log):
    def work(ms):
        sleep(ms / 1000)
        return ms

    log(list(Pool(3).imap_unordered(work, [70, 20, 45])))


def imap_throws_an_error_at_its_place_and_goes_on(log):
    def work(item):
        if item == 1:
            raise KeyError
        return item

    results = Pool(2).imap(work, range(3))
    for _ in range(4):
        try:
            log(next(results))
        except KeyError as error:
            log(error)
        except StopIteration:
            log("end")


def imap_unordered_throws_errors_and_goes_on(log):
    def work(ms):
        sleep(ms / 1000)
        if ms == 40:
            raise KeyError
        return ms

    results = Pool(3).imap_unordered(work, [60, 40, 20])
    for _ in range(4):
        try:
            log(next(results))
        except KeyError as error:
            log(error)
        except StopIteration:
            log("end")


def imap_of_items_that_fail(log):
    def items():
        yield 1
        yield 2
        raise KeyError

    results = Pool(2).imap(lambda item: 10 * item, items())
    try:
        while True:
            log(next(results))
    except KeyError as error:
        log(error)


def imap_in_a_small_pool(log):
    def work(item):
        log("begins", item)
        sleep(0.02)
        return item

    log(list(Pool(1).imap(work, range(3))))


def imap_of_nothing(log):
    log(list(Pool(1).imap(log, [])), list(Group().imap_unordered(log, [])), Group().map(log, []))


def kill_of_a_pool(log):
    def worker(name):
        try:
            sleep(1)
        finally:
            ended.append(name)

    ended = []

    pool = Pool(3)
    members = [pool.spawn(worker, name) for name in "abc"]
    sleep(0)
    log("kill", pool.kill(), sorted(ended), len(pool), pool.free_count())
    log([member.value for member in members])


def kill_of_a_pool_with_members_that_have_not_begun(log):
    pool = Pool(3)
    pool.spawn(log, "runs")
    pool.kill()
    log(len(pool))


def apply_waits_for_the_result(log):
    def failing():
        raise KeyError

    pool = Pool(1)
    log(pool.apply(after, (20, "value")))
    attempt(log, "apply", lambda: pool.apply(failing))
    log(len(pool))


def apply_async_does_not_wait(log):
    pool = Pool(1)
    greenlets = [pool.apply_async(after, (20, name)) for name in "abc"]
    log("applied")
    log([greenlet.value for greenlet in joinall(greenlets)])


def map_async_does_not_wait(log):
    greenlet = Pool(2).map_async(lambda item: after(20, item), [1, 2, 3])
    log("mapping", greenlet.ready())
    log(greenlet.get())


def a_timeout_in_the_spawn_of_a_full_pool(log):
    pool = Pool(1)
    pool.spawn(sleep, 0.06)
    limit = gevent.Timeout.start_new(0.02)
    try:
        pool.spawn(log, "runs")
    except gevent.Timeout as error:
        log(error is limit, len(pool), pool.free_count())
    pool.join()
    log(len(pool), pool.free_count())


def a_killed_spawner_of_a_full_pool(log):
    def spawner(name):
        pool.spawn(log, name, "runs")

    pool = Pool(1)
    pool.spawn(sleep, 0.02)
    spawners = [spawn(spawner, name) for name in "ab"]
    sleep(0)
    spawners[0].kill()
    joinall(spawners)
    pool.join()
    log(pool.free_count())


def a_pool_takes_the_next_when_one_fails(log):
    def work(item):
        log("begins", item)
        sleep(0)
        if item == 0:
            raise KeyError

    pool = Pool(1)
    greenlets = [pool.spawn(work, item) for item in range(3)]
    pool.join()
    log([greenlet.successful() for greenlet in greenlets])


def imap_unordered_in_a_small_pool(log):
    log(list(Pool(2).imap_unordered(lambda ms: after(ms, ms), [80, 20, 35])))


def map_of_a_pool_within_a_pool(log):
    def inner(item):
        sleep(0.01)
        return 10 * item

    def outer(item):
        return Pool(2).map(inner, [item, item + 1])

    log(Pool(2).map(outer, [1, 2, 3]))


def apply_async_of_a_failure(log):
    def failing():
        sleep(0)
        raise KeyError

    group = Group()
    greenlet = group.apply_async(failing)
    attempt(log, "get", greenlet.get)
    group.join()
    log(len(group))

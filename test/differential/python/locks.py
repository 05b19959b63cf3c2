"""Semaphore, BoundedSemaphore, RLock."""
import gevent
from gevent import Timeout, joinall, killall, sleep, spawn
from gevent.lock import BoundedSemaphore, RLock, Semaphore


def permits_of_a_semaphore(log):
    semaphore = Semaphore(2)
    log(semaphore.counter, semaphore.locked())
    log(semaphore.acquire(), semaphore.counter, semaphore.locked())
    log(semaphore.acquire(blocking=False), semaphore.counter, semaphore.locked())
    log(semaphore.acquire(blocking=False), semaphore.counter)
    semaphore.release()
    semaphore.release()
    semaphore.release()
    log(semaphore.counter, semaphore.locked())


def waiters_of_a_semaphore_wake_in_order(log):
    def worker(name):
        log(name, semaphore.acquire())
        sleep(0)
        log(name, "releases")
        semaphore.release()

    semaphore = Semaphore(1)
    joinall([spawn(worker, name) for name in "abc"])
    log(semaphore.counter)


def a_semaphore_with_two_permits(log):
    def worker(name, turns):
        with semaphore:
            log(name, "in")
            for _ in range(turns):
                sleep(0)
            log(name, "out")

    semaphore = Semaphore(2)
    joinall([spawn(worker, name, turns) for name, turns in (("a", 5), ("b", 1), ("c", 1), ("d", 3))])
    log(semaphore.counter)


def several_permits_released_at_once(log):
    def waiter(name):
        semaphore.acquire()
        log(name)

    semaphore = Semaphore(0)
    waiters = [spawn(waiter, name) for name in "abc"]
    sleep(0)
    for _ in range(2):
        semaphore.release()
    log("released")
    sleep(0)
    log("main")
    semaphore.release()
    joinall(waiters)


def the_releaser_of_a_semaphore_comes_again_after_sleeping(log):
    def worker(name):
        for turn in range(2):
            semaphore.acquire()
            log(name, turn)
            sleep(0)
            semaphore.release()
            sleep(0)

    semaphore = Semaphore(1)
    joinall([spawn(worker, name) for name in "abc"])


def a_semaphore_with_a_timeout(log):
    def waiter(name, timeout):
        log(name, semaphore.acquire(timeout=timeout))

    semaphore = Semaphore(0)
    log("poll", semaphore.acquire(timeout=0))
    waiters = [spawn(waiter, "short", 0.02), spawn(waiter, "long", 1)]
    sleep(0.04)
    semaphore.release()
    joinall(waiters)
    log(semaphore.counter)


def a_timeout_in_the_wait_for_a_semaphore(log):
    semaphore = Semaphore(0)
    limit = Timeout.start_new(0.02)
    try:
        semaphore.acquire(timeout=1)
    except Timeout as error:
        log(error is limit)
    semaphore.release()
    log(semaphore.counter)


def killed_waiters_of_a_semaphore_take_no_permit(log):
    def waiter(name):
        try:
            semaphore.acquire()
            log(name)
        finally:
            log(name, "finally")

    semaphore = Semaphore(0)
    waiters = [spawn(waiter, name) for name in "abc"]
    sleep(0)
    killall(waiters[:2])
    semaphore.release()
    joinall(waiters)
    log(semaphore.counter)


def wait_of_a_semaphore_takes_no_permit(log):
    def waiter():
        log("wait", semaphore.wait())

    semaphore = Semaphore(2)
    log(semaphore.wait(), semaphore.counter)
    semaphore.acquire()
    semaphore.acquire()
    log("too short", semaphore.wait(timeout=0.02))
    greenlet = spawn(waiter)
    sleep(0)
    semaphore.release()
    greenlet.join()
    log(semaphore.counter)


def over_release_of_a_bounded_semaphore(log):
    semaphore = BoundedSemaphore(1)
    semaphore.acquire()
    semaphore.release()
    try:
        semaphore.release()
    except ValueError:
        log("error")
    log(semaphore.counter)


def hand_over_of_a_bounded_semaphore(log):
    def worker(name):
        with semaphore:
            log(name, "in")
            sleep(0.02)
            log(name, "out")

    semaphore = BoundedSemaphore(1)
    joinall([spawn(worker, name) for name in "abc"])
    log(semaphore.counter)


def an_rlock_is_acquired_again_by_its_owner(log):
    def other():
        log("other waits")
        with lock:
            log("other in")

    lock = RLock()
    log(bool(lock.acquire()), bool(lock.acquire()))
    greenlet = spawn(other)
    sleep(0)
    lock.release()
    sleep(0)
    log("released once")
    lock.release()
    log("released twice")
    greenlet.join()


def release_of_an_rlock_by_another(log):
    def release(name):
        try:
            lock.release()
        except RuntimeError:
            log(name, "error")

    lock = RLock()
    lock.acquire()
    spawn(release, "other:").join()
    lock.release()
    release("main:")


def an_rlock_with_a_timeout(log):
    def other():
        log(bool(lock.acquire(blocking=False)), bool(lock.acquire(timeout=0.02)))

    lock = RLock()
    lock.acquire()
    spawn(other).join()
    lock.release()
    spawn(other).join()


def waiters_of_an_rlock_wake_in_order(log):
    def worker(name):
        with lock:
            log(name, "in")
            with lock:
                sleep(0)
            log(name, "out")

    lock = RLock()
    joinall([spawn(worker, name) for name in "abc"])


def a_holder_that_is_killed_releases_the_lock(log):
    def worker(name):
        with lock:
            log(name, "in")
            sleep(1 if name == "a" else 0)

    lock = RLock()
    workers = [spawn(worker, name) for name in "ab"]
    sleep(0)
    workers[0].kill()
    joinall(workers)
    log(workers[0].successful())


def rawlink_to_a_semaphore(log):
    semaphore = Semaphore(0)
    semaphore.rawlink(lambda s: log("link", s.counter))
    sleep(0)
    log("released", semaphore.release())
    sleep(0)
    log("main", semaphore.counter)


def wait_for_semaphores(log):
    def releaser():
        sleep(0.02)
        semaphores[1].release()

    semaphores = [Semaphore(0), Semaphore(0)]
    spawn(releaser)
    log([semaphores.index(semaphore) for semaphore in gevent.wait(semaphores, timeout=0.05)])
    log([semaphore.counter for semaphore in semaphores])


def watchers_of_a_semaphore_wake_in_order(log):
    def watcher(name):
        log(name, semaphore.wait())

    semaphore = Semaphore(0)
    watchers = [spawn(watcher, name) for name in "abc"]
    sleep(0)
    semaphore.release()
    log("released")
    joinall(watchers)
    log(semaphore.counter)


def a_killed_waiter_of_an_rlock(log):
    def worker(name):
        with lock:
            log(name, "in")

    lock = RLock()
    lock.acquire()
    workers = [spawn(worker, name) for name in "abc"]
    sleep(0)
    workers[0].kill()
    lock.release()
    joinall(workers)
    log([greenlet.successful() for greenlet in workers])


def philosophers(log):
    def philosopher(seat):
        first, second = sorted((seat, (seat + 1) % 3))
        with forks[first]:
            sleep(0)
            with forks[second]:
                log(seat, "eats")
                sleep(0)
        log(seat, "is done")

    forks = [Semaphore(1) for _ in range(3)]
    joinall([spawn(philosopher, seat) for seat in range(3)])


def a_timeout_on_a_lock_that_is_handed_over_later(log):
    def waiter(name, timeout):
        log(name, bool(lock.acquire(timeout=timeout)))

    lock = Semaphore(1)
    lock.acquire()
    waiters = [spawn(waiter, "short", 0.02), spawn(waiter, "long", 1)]
    sleep(0.04)
    lock.release()
    joinall(waiters)
    log(lock.counter)

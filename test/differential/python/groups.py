"""Group."""
import gevent
from gevent import joinall, sleep, spawn
from gevent.pool import Group, Pool

from shared import attempt


def kill_of_a_group_waits_for_a_finally_that_suspends(log):
    def worker(ms):
        try:
            sleep(1)
        finally:
            sleep(ms / 1000)
            log(ms)

    group = Group()
    for ms in (50, 10, 30):
        group.spawn(worker, ms)
    sleep(0)
    group.kill()
    log("killed", len(group))


def kill_of_a_group_with_a_timeout(log):
    def worker():
        try:
            sleep(1)
        finally:
            sleep(0.04)
            log("clean")

    group = Group()
    group.spawn(worker)
    sleep(0)
    log(group.kill(timeout=0.02), len(group))
    group.join()
    log(len(group))


def kill_one_of_a_group(log):
    group = Group()
    members = [group.spawn(sleep, 0.02), group.spawn(sleep, 0.02)]
    stranger = spawn(sleep, 0.02)
    sleep(0)
    group.killone(members[0])
    group.killone(stranger)
    log([member.dead for member in members], stranger.dead, len(group))
    joinall(members + [stranger])


def join_of_a_group(log):
    def worker(ms):
        sleep(ms / 1000)
        log(ms)

    group = Group()
    log("empty", group.join())
    for ms in (50, 10, 30):
        group.spawn(worker, ms)
    log("short", group.join(timeout=0.02), len(group))
    log("long", group.join(), len(group))


def join_of_a_group_waits_for_newcomers(log):
    def child():
        sleep(0.02)
        log("child")

    def parent():
        sleep(0)
        group.spawn(child)
        log("parent")

    group = Group()
    group.spawn(parent)
    group.join()
    log("joined")


def joiners_of_a_group_wake_in_order(log):
    def joiner(name):
        group.join()
        log(name)

    group = Group()
    group.spawn(sleep, 0.02)
    joinall([spawn(joiner, name) for name in "abc"])


def join_of_a_group_throws_a_failure(log):
    def failing():
        sleep(0.02)
        raise KeyError

    group = Group()
    group.spawn(failing)
    attempt(log, "join", lambda: group.join(raise_error=True))
    log("again", group.join(raise_error=True), len(group))


def members_of_a_group(log):
    group = Group()
    members = [group.spawn(sleep, 0.02) for _ in range(2)]
    stranger = spawn(sleep, 0.02)
    log(len(group), [greenlet in group for greenlet in members + [stranger]])
    group.add(stranger)
    group.discard(members[0])
    log(len(group), [greenlet in group for greenlet in members + [stranger]])
    group.join()
    log(len(group))
    joinall(members)


def a_member_leaves_when_it_ends(log):
    group = Group()
    group.spawn(log, "member")
    log(len(group))
    sleep(0)
    sleep(0)
    log(len(group))


def apply_by_a_member_runs_in_place(log):
    def member():
        log("member", pool.apply(inner))
        return "outer"

    def inner():
        log("inner", gevent.getcurrent() is greenlet)
        return "inner"

    pool = Pool(1)
    greenlet = pool.spawn(member)
    log(greenlet.get())


def kill_of_a_group_that_grows(log):
    def parent():
        try:
            sleep(1)
        finally:
            children.append(group.spawn(sleep, 1))

    children = []
    group = Group()
    group.spawn(parent)
    sleep(0)
    group.kill()
    log("killed", len(group), [child.value for child in children])

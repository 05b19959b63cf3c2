"""Runs the programs named on the command line, or all, and prints {name: [events]} as JSON.

A program is a public function of one of the modules below. It gets a log, to which it appends its events.
"""
import json
import sys
from concurrent.futures import ThreadPoolExecutor

sys.dont_write_bytecode = True

import gevent

import channels
import events
import greenlets
import groups
import joins
import kill
import killers
import links
import locks
import pools
import queue_kinds
import queues
import raw
import results
import timeouts
from loop import Loop

MODULES = (
    greenlets, links, joins, kill, killers, timeouts, events, results, locks,
    queues, queue_kinds, channels, groups, pools, raw,
)

PROGRAMS = {
    name: value
    for module in MODULES
    for name, value in vars(module).items()
    if getattr(value, "__module__", None) == module.__name__ and name[0] != "_"
}

# Each thread has a hub of its own, so that programs in different threads see nothing of each other.
THREADS = 4

NAMES = {"Empty": "QueueEmpty", "Full": "QueueFull"}


class Log:
    def __init__(self):
        self.events = []

    def __call__(self, *items):
        self.events.append(" ".join(map(show, items)))


def show(item):
    """Writes a value as its counterpart in TypeScript is written."""
    if item is None or item == ():
        return "undefined"
    if isinstance(item, bool):
        return str(item).lower()
    if isinstance(item, (list, tuple)):
        return "[" + " ".join(map(show, item)) + "]"
    if isinstance(item, BaseException):
        return NAMES.get(type(item).__name__, type(item).__name__)
    return str(item)


def run(name):
    """A program that the machine did not let run in time is run again, and slower."""
    loop = gevent.get_hub().loop
    for slowness in (1, 1, 2, 4, 8, 16, 32):
        log = Log()
        loop.slowness = slowness
        loop.watch()
        gevent.spawn(PROGRAMS[name], log).get()
        if not loop.stalled():
            return log.events
    raise RuntimeError(f"{name}: the machine is too busy to run it in time")


def silence():
    gevent.get_hub().exception_stream = None  # errors that nobody takes are printed to it


gevent.config.loop = Loop
names = sys.argv[1:] or list(PROGRAMS)
with ThreadPoolExecutor(THREADS, initializer=silence) as threads:
    print(json.dumps(dict(zip(names, threads.map(run, names)))))

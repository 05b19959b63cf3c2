"""What the programs share."""
from gevent import sleep


def attempt(log, name, call):
    """Calls `call` and logs what it returns, or the error, whatever it is."""
    try:
        log(name, call())
    except BaseException as error:
        log(name, error)


def after(ms, value):
    """Returns `value` after `ms` milliseconds."""
    sleep(ms / 1000)
    return value


def ending(greenlet):
    """How a greenlet has ended."""
    return [greenlet.dead, greenlet.ready(), greenlet.successful(), greenlet.value, greenlet.exception]

"""gevent's side of the tables of files and bytes: transfer.py <task> <arguments...>; prints "figure <number>".

What is measured is 'time' or 'CPU', as in measure.mjs; the files are those of data.mjs, in the folder $BENCH_IO_FOLDER.
"""
import itertools
import os
import resource
import sys
import time

from gevent import socket, subprocess
from gevent.fileobject import FileObjectThread
from gevent.pool import Pool
from gevent.server import StreamServer

folder = os.environ.get("BENCH_IO_FOLDER", "")


def reading(what):
    """Seconds, of time or of this process's CPU time."""
    if what == "time":
        return time.perf_counter()
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def seconds(what, work):
    before = reading(what)
    work()
    return reading(what) - before


def small_files(what, count, size, at_a_time):
    paths = [f"{folder}/small-{count}-{size}/{index}.txt" for index in range(int(count))]

    def read(path):
        with FileObjectThread(path, "rb") as file:
            return len(file.read())

    def read_all():
        assert sum(Pool(int(at_a_time)).map(read, paths)) == int(count) * int(size)

    return min(seconds(what, read_all) for _ in range(2)) * 1e6 / len(paths)


def copy(what, size):
    target = f"{folder}/copy"

    def transfer():
        with FileObjectThread(f"{folder}/big-{size}", "rb") as source, FileObjectThread(target, "wb") as sink:
            while piece := source.read(262_144):
                sink.write(piece)

    best = float("inf")
    for _ in range(3):
        best = min(best, seconds(what, transfer))
        os.unlink(target)
    return best * 1e3


def count_lines(what, file):
    lines = characters = 0
    before = reading(what)
    for line in file:
        lines += 1
        characters += len(line)
    return (reading(what) - before) * 1e9 / lines


def lines(what, size, count):
    file = FileObjectThread(f"{folder}/lines-{size}", "r", encoding="utf-8")
    return count_lines(what, itertools.islice(file, int(count)))


def plain_lines(what, size):
    return count_lines(what, open(f"{folder}/lines-{size}", encoding="utf-8"))


def receive(what, *sender):
    child = subprocess.Popen(sender, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    port = int(child.stdout.readline())
    target = bytearray(65_536)

    def read_all():
        connection = socket.create_connection(("127.0.0.1", port))
        while connection.recv_into(target):
            pass
        connection.close()

    figure = min(seconds(what, read_all) for _ in range(5))
    child.kill()
    return figure * 1e3


def resident():
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def idle(connections, *crowd):
    def echo(connection, _address):
        while data := connection.recv(65_536):
            connection.sendall(data)

    server = StreamServer(("127.0.0.1", 0), echo, backlog=2048)
    server.start()
    before = resident()
    child = subprocess.Popen([*crowd, str(server.server_port)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    child.stdout.readline()
    figure = (resident() - before) / int(connections)
    child.kill()
    return figure


soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
task, arguments = sys.argv[1], sys.argv[2:]
print("figure", globals()[task](*arguments))

"""gevent's side of the echo tables: echo.py <connections> <bytes> <warm-up ms> <ms> <load command...>; prints "figure <number>"."""
import resource
import sys

from gevent import subprocess
from gevent.server import StreamServer


def echo(socket, _address):
    while True:
        data = socket.recv(65536)
        if not data:
            break
        socket.sendall(data)


def cpu_time():
    """Microseconds that this process has used."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return (usage.ru_utime + usage.ru_stime) * 1e6


shape, load = sys.argv[1:5], sys.argv[5:]
server = StreamServer(("127.0.0.1", 0), echo, backlog=2048)
server.start()
child = subprocess.Popen([*load, str(server.server_port), *shape], stdout=subprocess.PIPE)
child.stdout.readline()
before = cpu_time()
messages = int(child.stdout.readline().split()[1])
print("figure", (cpu_time() - before) / messages)

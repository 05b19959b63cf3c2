"""gevent's side of the tables of HttpServer: pywsgi.py <time or CPU>; prints "figure <number>"."""
import re
import resource
import sys

from gevent import subprocess
from gevent.pywsgi import WSGIServer

PAGE = b"hello world"


def application(_environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(PAGE)))])
    return [PAGE]


def cpu_time():
    """Microseconds that this process has used."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return (usage.ru_utime + usage.ru_stime) * 1e6


def ask():
    """Requests, and the microseconds by the clock that they took."""
    url = f"http://127.0.0.1:{server.server_port}/"
    text = subprocess.check_output(["wrk", "-t", "1", "-c", "64", "-d", "1s", url]).decode()
    requests, elapsed, unit = re.search(r"(\d+) requests in ([\d.]+)(m?s)", text).groups()
    return int(requests), float(elapsed) * (1e6 if unit == "s" else 1e3)


server = WSGIServer(("127.0.0.1", 0), application, log=None)
server.start()
ask()
figures = []
for _ in range(2):
    before = cpu_time()
    requests, microseconds = ask()
    figures.append((cpu_time() - before if sys.argv[1] == "CPU" else microseconds) / requests)
print("figure", min(figures))

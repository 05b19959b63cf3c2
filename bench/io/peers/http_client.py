"""Requests by http.client in greenlets, each over a connection of its own that is kept: http_client.py <at a time> <requests> <server...>"""
from gevent import monkey

monkey.patch_all()
import http.client
import json
import subprocess
import sys
import time

import gevent

at_a_time, requests, *server = sys.argv[1:]
at_a_time, requests = int(at_a_time), int(requests)
child = subprocess.Popen(server, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
port = int(child.stdout.readline())


def ask(count):
    left = iter(range(count))
    answers = []

    def worker():
        connection = http.client.HTTPConnection("127.0.0.1", port)
        for _ in left:
            connection.request("GET", "/")
            answers.append(json.loads(connection.getresponse().read())["answer"])
        connection.close()

    gevent.joinall([gevent.spawn(worker) for _ in range(at_a_time)], raise_error=True)
    assert sum(answers) == 42 * count


ask(requests // 4)
figure = float("inf")
for _ in range(2):
    before = time.process_time()
    ask(requests)
    figure = min(figure, (time.process_time() - before) / requests * 1e6)
child.stdin.close()
print(f"figure {figure}")

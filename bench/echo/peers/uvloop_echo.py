"""uvloop's side of the echo tables, by a bare protocol; called as echo.py is."""
import asyncio
import resource
import sys

import uvloop


class Echo(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.transport.write(data)


def cpu_time():
    """Microseconds that this process has used."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return (usage.ru_utime + usage.ru_stime) * 1e6


async def main(shape, load):
    server = await asyncio.get_running_loop().create_server(Echo, "127.0.0.1", 0, backlog=2048)
    port = str(server.sockets[0].getsockname()[1])
    child = await asyncio.create_subprocess_exec(*load, port, *shape, stdout=asyncio.subprocess.PIPE)
    await child.stdout.readline()
    before = cpu_time()
    messages = int((await child.stdout.readline()).split()[1])
    print("figure", (cpu_time() - before) / messages)


uvloop.install()
asyncio.run(main(sys.argv[1:5], sys.argv[5:]))

/** What tests need to talk to the servers of the examples. */
import { once } from 'node:events';
import { connect, createServer, type Server } from 'node:net';
import { createInterface } from 'node:readline';

/** A client that sends text and reads lines. */
export async function callPort(port: number) {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  await once(socket, 'connect');
  const lines = createInterface(socket)[Symbol.asyncIterator]();
  return { socket, readline: async () => (await lines.next()).value as string | undefined };
}

/** Resolves when connections to the port are refused. */
export async function refused(port: number): Promise<void> {
  for (;;) {
    const socket = connect(port, '127.0.0.1');
    const error = await once(socket, 'connect').then(
      () => undefined,
      (error) => error,
    );
    socket.destroy();
    if (error?.code === 'ECONNREFUSED') return;
  }
}

/** A port at which nobody listens. */
export async function closedPort(): Promise<number> {
  const server = createServer();
  const port = await listenAt(server);
  server.close();
  await once(server, 'close');
  return port;
}

/** Has a server of Node listen at a free port of this machine. */
export async function listenAt(server: Server): Promise<number> {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return (server.address() as { port: number }).port;
}

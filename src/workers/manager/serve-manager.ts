/** What the process of a manager does: it makes the manager's objects, until the line to its parent ends. */
import { EOFError } from '../../core/errors.ts';
import type { Coroutine } from '../../core/operation.ts';
import { callAndWait } from '../../core/perform.ts';
import { spawn } from '../../core/spawn.ts';
import { until } from '../../core/until.ts';
import type { Address } from '../../io/address.ts';
import type { Connection } from '../connection.ts';
import { moduleUrl } from '../module-url.ts';
import { type FunctionReference, resolveReference, task } from '../reference.ts';
import type { ListenerOptions } from './gate.ts';
import { builtInTypes, type ManagedType } from './managed-types.ts';
import { ManagerServer } from './manager-server.ts';
import { type RegisterOptions, registeredType } from './objects.ts';

/** What it is told. @internal */
export interface ServeOrder {
  readonly address: Address | undefined;
  readonly options: ListenerOptions;
  readonly hasBuiltIns: boolean;
  readonly registered: readonly { name: string; reference: FunctionReference; options: RegisterOptions }[];
  readonly initializer: FunctionReference | undefined;
  readonly args: readonly unknown[];
}

/** @internal */
export const serveManager: (line: Connection, order: ServeOrder) => Coroutine<void> = task(
  moduleUrl('manager/serve-manager'),
  'serveManager',
  function* (line: Connection, order: ServeOrder): Coroutine<void> {
    let server: ManagerServer;
    try {
      server = yield* open(order);
    } catch (error) {
      yield* line.send({ error });
      return;
    }
    const { path, host, port } = server.address;
    yield* line.send({ address: path === undefined ? { host, port } : { path } });
    const serving = spawn(() => server.serveForever());
    serving.rawlink(() => line.close());
    try {
      for (;;) yield* line.recv(); // nothing comes but the end
    } catch (error) {
      if (!line.closed && !(error instanceof EOFError)) throw error;
    } finally {
      server.stop();
    }
  },
);

function* open({ address, options, hasBuiltIns, registered, initializer, args }: ServeOrder): Coroutine<ManagerServer> {
  const types = new Map<string, ManagedType>();
  if (hasBuiltIns) for (const type of builtInTypes) types.set(type.name, type);
  for (const { name, reference, options } of registered) {
    types.set(name, registeredType(name, yield* until(resolveReference(reference)), options));
  }
  if (initializer !== undefined) {
    const initialize = (yield* until(resolveReference(initializer))) as (...args: unknown[]) => unknown;
    yield* callAndWait(() => initialize(...args));
  }
  const server = new ManagerServer(types, address, options);
  yield* server.start();
  return server;
}

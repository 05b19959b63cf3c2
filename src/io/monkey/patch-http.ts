/** `node:http` and `node:https`: `yield* request` gives the response. */
import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Operation } from '../../core/operation.ts';
import type { Target } from './install.ts';
import { iterable } from './iterable.ts';
import { builtin } from './modules.ts';
import type { Started } from './started.ts';
import { already, failed, Watches, watch } from './watch-object.ts';

/** The request is told by what it can do, so that `http` need not be loaded for it. @internal */
export function httpTargets(): Target[] {
  const { prototype } = builtin('stream');
  const isRequest = (stream: ClientRequest) => typeof stream.onSocket === 'function';
  return [iterable('http', 'ClientRequest.prototype', prototype, responseTo, isRequest)];
}

const responses = new Watches<ClientRequest, IncomingMessage>(watchResponse, true);

function responseTo(request: ClientRequest): Operation<IncomingMessage> {
  const { res } = request as { res?: IncomingMessage | null };
  if (responses.has(request)) return responses.of(request);
  if (res) return already(res);
  if (request.destroyed) return failed((request as { errored?: Error | null }).errored ?? hungUp());
  return responses.of(request);
}

const ignore = (): void => {};

function watchResponse(request: ClientRequest): Started<IncomingMessage> {
  return watch<IncomingMessage>(request, {
    name: `${request.method} ${request.protocol}//${request.host}${request.path}`,
    events: (land) => ({
      response: (response: IncomingMessage) => {
        request.on('error', ignore); // what happens from now on, the response tells too
        land(undefined, response);
      },
      error: (error: unknown) => land(error),
      close: () => land(hungUp()),
    }),
    cancel: () => {
      request.on('error', ignore);
      request.destroy();
    },
  });
}

function hungUp(): Error {
  return Object.assign(new Error('socket hang up: the request was closed before a response came'), {
    code: 'ECONNRESET',
  });
}

/** Requests that are made again when they failed, by `retry`. */
import { hub } from '../core/hub.ts';
import type { Coroutine, Operation } from '../core/operation.ts';
import { Timeout, timedOut } from '../core/timeout.ts';
import { retry } from '../sync/retry.ts';
import type { HttpStatusError } from './http-errors.ts';
import type { HttpRetryPolicy, Plan } from './http-options.ts';
import type { ResponseHead } from './http-response.ts';

/** What a request needs for it to be repeated. @internal */
export interface Repeatable<R> {
  readonly call: string;
  /** Makes the request; its own time is that since `begin`. */
  readonly attempt: (plan: Plan, begin: number) => Operation<R>;
  /** The error of an answer that is not wanted. */
  readonly error: (response: R) => HttpStatusError;
  /** Lets go of such an answer. */
  readonly discard: (response: R) => void;
}

const STATUSES = [429, 502, 503, 504];
const METHODS = ['DELETE', 'GET', 'HEAD', 'OPTIONS', 'PUT', 'TRACE'];

/** Errors by which a connection ends, or does not come about. */
const TRANSIENT = new Set([
  'EAI_AGAIN',
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EPIPE',
  'ETIMEDOUT',
  'GENLET_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_RES_CONTENT_LENGTH_MISMATCH',
  'UND_ERR_SOCKET',
]);

/** @internal */
export function* repeated<R extends ResponseHead>(request: Repeatable<R>, plan: Plan): Coroutine<R> {
  const { statuses = STATUSES, methods = METHODS, retryIf = isTransient, ...policy } = plan.retry as HttpRetryPolicy;
  const mayRepeat = methods.includes(plan.method) && plan.payload?.repeatable !== false;
  const attempts = mayRepeat ? (policy.attempts ?? 3) : 1;
  const begin = hub.now();
  let refused: HttpStatusError | undefined;
  function* attempt(number: number): Coroutine<R> {
    const response = yield* request.attempt(plan, begin);
    if (number >= attempts || !statuses.includes(response.status)) return response;
    const error = request.error(response);
    if (retryIf !== isTransient && !retryIf(error, number)) return response;
    request.discard(response);
    refused = error;
    throw error;
  }
  const { timeout } = plan;
  const limit = Timeout.startNew(timeout);
  try {
    return yield* retry(attempt, {
      ...policy,
      attempts,
      retryIf: (error, number) => error === refused || retryIf(error, number),
    });
  } catch (error) {
    throw error === limit
      ? timedOut(`http.${request.call}(${plan.method} ${plan.origin}${plan.path})`, timeout!)
      : error;
  } finally {
    limit.close();
  }
}

function isTransient(error: unknown): boolean {
  return TRANSIENT.has((error as { code?: string } | undefined)?.code ?? '');
}

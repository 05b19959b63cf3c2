/** Which class of proxy stands for which type of object, and how proxies travel. */
import { show } from '../../core/check.ts';
import type { Coroutine, Operation, Outcome } from '../../core/operation.ts';
import { until } from '../../core/until.ts';
import { registerCrossing } from '../crossing.ts';
import { registerParcel } from '../remote/cargo.ts';
import { checkAuthkey } from './authkey.ts';
import { BaseProxy, type PackedProxy, PROXY } from './base-proxy.ts';
import type { Specials } from './codec-format.ts';
import { ArrayProxy, DictProxy, ListProxy, NamespaceProxy, QueueProxy, ValueProxy } from './container-proxies.ts';
import { MalformedError } from './decoder.ts';
import type { Dialer } from './dialer.ts';
import { BarrierProxy, ConditionProxy, EventProxy, LockProxy, RLockProxy, SemaphoreProxy } from './lock-proxies.ts';
import { type ManagerAddress, ManagerLink, type ProxyMaker, type RemoteObject } from './manager-link.ts';
import type { Wire } from './protocol.ts';

type ProxyClass = new (link: ManagerLink, object: RemoteObject) => BaseProxy;

const classes: Readonly<Record<string, ProxyClass>> = {
  Array: ArrayProxy,
  Barrier: BarrierProxy,
  BoundedSemaphore: SemaphoreProxy,
  Condition: ConditionProxy,
  Event: EventProxy,
  Lock: LockProxy,
  Namespace: NamespaceProxy,
  Queue: QueueProxy,
  RLock: RLockProxy,
  Semaphore: SemaphoreProxy,
  Value: ValueProxy,
  dict: DictProxy,
  list: ListProxy,
};

/**
 * The proxy of an object of a registered class: its methods as operations. Which of them may be called, `register` has
 * said.
 */
export type Remote<T> = BaseProxy & {
  readonly [K in keyof T as T[K] extends (...args: any[]) => unknown ? K : never]: T[K] extends (
    ...args: infer A
  ) => infer R
    ? (...args: A) => Operation<Outcome<R>>
    : never;
};

/** The proxy of an object of a class that somebody has registered. */
class RegisteredProxy extends BaseProxy {
  constructor(link: ManagerLink, object: RemoteObject) {
    super(link, object);
    for (const method of object.methods ?? []) {
      if (method === 'then') continue; // it would look like a promise
      Object.defineProperty(this, method, {
        value: (...args: unknown[]) => this.call(method, args),
        configurable: true,
      });
    }
  }
}

/** @internal */
export const proxyMaker: ProxyMaker = {
  make(link, object) {
    const Known =
      object.methods === undefined && Object.hasOwn(classes, object.type) ? classes[object.type]! : RegisteredProxy;
    return new Known(link, object);
  },
  packed(value, link) {
    return value instanceof BaseProxy ? value.packFor(link) : undefined;
  },
};

/** Connects a link to its manager. @internal */
export function* wireOf(link: ManagerLink, dialer: Dialer): Coroutine<Wire> {
  const socket = yield* dialer.dial();
  socket.start(link);
  return socket;
}

// ---- proxies that have come from elsewhere

/** The connections that proxies from elsewhere share, by the manager's address. */
const links = new Map<string, ManagerLink>();

/** @internal */
export function unpackProxy({ address, encrypt, key, ...object }: PackedProxy): BaseProxy {
  const name = `${nameOf(address)} ${encrypt} ${key === undefined ? '' : Buffer.from(key).toString('base64')}`;
  let link = links.get(name);
  if (link === undefined) {
    link = new ManagerLink(dial, proxyMaker, () => ({ address, encrypt, key: checkAuthkey(key) }));
    link.onEnd = () => links.delete(name);
    links.set(name, link);
  }
  return proxyMaker.make(link, link.use(object)) as BaseProxy;

  /** The sockets are loaded now: threads to which no proxies come, and that is nearly all, do without them. */
  function* dial(link: ManagerLink): Coroutine<Wire> {
    const { Dialer } = yield* until(import('./dialer.ts'));
    return yield* wireOf(link, new Dialer(address, { encrypt, authkey: key }));
  }
}

function nameOf(address: ManagerAddress['address']): string {
  if ('path' in address && typeof address.path === 'string') return address.path;
  if ('host' in address && typeof address.host === 'string' && Number.isInteger(address.port)) {
    return `${address.host}:${address.port}`;
  }
  throw new TypeError(`address is ${show(address)}: give { path } or { host, port }`);
}

registerCrossing(PROXY, (packed: PackedProxy) => unpackProxy(packed));
registerParcel(PROXY, (packed) => unpackProxy(packed as PackedProxy));

/** Proxies on connections that are not of the family: without the key, which the other side must have itself. @internal */
export const proxySpecials: Specials = {
  pack(value) {
    return value instanceof BaseProxy ? value.pack(false) : undefined;
  },
  unpack(packed) {
    try {
      return unpackProxy(packed as PackedProxy);
    } catch (error) {
      throw new MalformedError('there is a proxy of nothing', { cause: error });
    }
  },
};

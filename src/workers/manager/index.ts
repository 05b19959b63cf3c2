/** Authenticated connections, and managers: objects that processes share. */
export { BaseProxy } from './base-proxy.ts';
export { Client } from './client.ts';
export {
  ArrayProxy,
  type DictEntries,
  type DictKey,
  DictProxy,
  ListProxy,
  NamespaceProxy,
  QueueProxy,
  ValueProxy,
} from './container-proxies.ts';
export type { ClientOptions } from './dialer.ts';
export type { ListenerOptions, SecrecyOptions } from './gate.ts';
export { Listener } from './listener.ts';
export {
  BarrierProxy,
  ConditionProxy,
  EventProxy,
  LockProxy,
  RLockProxy,
  SemaphoreProxy,
} from './lock-proxies.ts';
export { BaseManager, Manager, type ManagerOptions, type ManagerStartOptions } from './manager.ts';
export { ManagerServer, type ManagerStatistics } from './manager-server.ts';
export type { RegisterOptions } from './objects.ts';
export type { Remote } from './proxies.ts';

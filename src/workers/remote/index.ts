export { move } from './cargo.ts';
export type { DurationStatistics } from './histogram.ts';
export type { WorkerHubStats } from './pool-statistics.ts';
export { RemoteChannel } from './remote-channel.ts';
export { RemoteGreenlet, type RemoteOptions } from './remote-greenlet.ts';
export type { ItemOf, RemoteFunction, RemoteModule } from './remote-module.ts';
export { RemoteStream } from './remote-stream.ts';
export { type StreamOptions, type WorkerCall, WorkerHub, type WorkerHubOptions } from './worker-hub.ts';

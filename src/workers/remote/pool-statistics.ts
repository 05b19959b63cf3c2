/** What a pool counts and measures. */
import { type DurationStatistics, Histogram } from './histogram.ts';

/** What `WorkerHub.stats()` gives. */
export interface WorkerHubStats {
  /** Workers that are starting or running. */
  readonly workers: number;
  /** Workers that can take jobs. */
  readonly ready: number;
  /** Jobs that wait for a worker. */
  readonly queued: number;
  /** Jobs that were sent to a worker and have not ended. */
  readonly running: number;
  /** Jobs that have ended since the start, in whatever way. */
  readonly ended: number;
  /** Workers that died. */
  readonly deaths: number;
  /** How long jobs took in their worker, from their begin to their end. */
  readonly run: DurationStatistics;
  /** How long jobs waited here before they were sent. */
  readonly wait: DurationStatistics;
  /** How long messages were under way there and back, with the time in line behind others; without the work. */
  readonly transfer: DurationStatistics;
  /** About how many bytes of arguments, results and items were copied. */
  readonly clonedBytes: { readonly sent: number; readonly received: number };
}

/** What the pool knows of this moment. */
type Moment = Pick<WorkerHubStats, 'workers' | 'ready' | 'queued' | 'running' | 'deaths'>;

/** @internal */
export class PoolStatistics {
  readonly run: Histogram = new Histogram();
  readonly wait: Histogram = new Histogram();
  readonly transfer: Histogram = new Histogram();
  ended = 0;
  received = 0;

  read(moment: Moment, sent: number): WorkerHubStats {
    return {
      ...moment,
      ended: this.ended,
      run: this.run.statistics(),
      wait: this.wait.statistics(),
      transfer: this.transfer.statistics(),
      clonedBytes: { sent, received: this.received },
    };
  }
}

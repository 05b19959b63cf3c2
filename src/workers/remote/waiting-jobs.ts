/** The jobs of a pool that no worker has: by descending priority, each in the order in which it came. */
import { ParkingLot } from '../../sync/parking-lot.ts';
import type { RemoteGreenlet } from './remote-greenlet.ts';

interface Lane {
  readonly priority: number;
  readonly lot: ParkingLot;
}

/** @internal */
export class WaitingJobs {
  readonly #owner: object;
  readonly #lanes: Lane[] = [];
  /** Jobs that a worker had and did not begin. */
  readonly #returned: ParkingLot;
  size = 0;

  constructor(owner: object) {
    this.#owner = owner;
    this.#returned = new ParkingLot(owner, 'spawn');
  }

  add(job: RemoteGreenlet<any>): void {
    this.#enter(job, this.#laneFor(job.priority));
  }

  /** A worker did not begin it: it is first. */
  addReturned(job: RemoteGreenlet<any>): void {
    this.#enter(job, this.#returned);
  }

  #enter(job: RemoteGreenlet<any>, lot: ParkingLot): void {
    job.lane = lot;
    lot.add(job);
    this.size++;
  }

  /** The next one; there must be one. */
  take(): RemoteGreenlet<any> {
    let job = this.#returned.shift();
    for (let i = 0; job === null; i++) job = this.#lanes[i]!.lot.shift();
    this.size--;
    (job as RemoteGreenlet<any>).lane = undefined;
    return job as RemoteGreenlet<any>;
  }

  /** Takes out one that is not wanted any more. Whether it was here. */
  remove(job: RemoteGreenlet<any>): boolean {
    const { lane } = job;
    if (lane === undefined) return false;
    lane.remove(job);
    job.lane = undefined;
    this.size--;
    return true;
  }

  #laneFor(priority: number): ParkingLot {
    const lanes = this.#lanes;
    for (let i = 0; i < lanes.length; i++) {
      const lane = lanes[i]!;
      if (lane.priority === priority) return lane.lot;
      if (lane.priority < priority) return this.#addLane(i, priority);
    }
    return this.#addLane(lanes.length, priority);
  }

  #addLane(index: number, priority: number): ParkingLot {
    const lot = new ParkingLot(this.#owner, 'spawn');
    this.#lanes.splice(index, 0, { priority, lot });
    return lot;
  }
}

/** Durations, counted in buckets that grow by a quarter of an octave: exact to 10 %, and cheap to record. */

/** What a pool measured, in milliseconds. Percentiles are exact to about 10 %. */
export interface DurationStatistics {
  /** How many were measured. */
  readonly count: number;
  readonly mean: number;
  readonly max: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
}

const PER_OCTAVE = 4;
/** Microseconds below this have a bucket each. */
const LINEAR = 8;

/** @internal */
export class Histogram {
  #count = 0;
  #sum = 0;
  #max = 0;
  readonly #buckets = new Float64Array(LINEAR + 50 * PER_OCTAVE);

  /** Counts a duration of whole microseconds. */
  record(us: number): void {
    const duration = Math.max(us, 0);
    this.#count++;
    this.#sum += duration;
    if (duration > this.#max) this.#max = duration;
    this.#buckets[bucketOf(duration)]!++;
  }

  statistics(): DurationStatistics {
    const count = this.#count;
    const mean = count === 0 ? 0 : this.#sum / count / 1000;
    const [p50, p90, p99] = [0.5, 0.9, 0.99].map((part) => this.#quantile(part)) as [number, number, number];
    return { count, mean, max: this.#max / 1000, p50, p90, p99 };
  }

  #quantile(part: number): number {
    let left = Math.ceil(this.#count * part);
    if (left === 0) return 0;
    const index = this.#buckets.findIndex((held) => {
      left -= held;
      return left <= 0;
    });
    return Math.min(upperEnd(index), this.#max) / 1000;
  }
}

function bucketOf(us: number): number {
  if (us < LINEAR) return us | 0;
  return Math.min(LINEAR + 50 * PER_OCTAVE - 1, (LINEAR + PER_OCTAVE * Math.log2(us / LINEAR)) | 0);
}

function upperEnd(bucket: number): number {
  return bucket < LINEAR ? bucket : LINEAR * 2 ** ((bucket + 1 - LINEAR) / PER_OCTAVE);
}

/** The addresses that a `Resolver` remembers, each answer for as long as its server allows. */
import type { RecordWithTtl } from 'node:dns';
import { hub } from '../core/hub.ts';

interface Answer {
  readonly records: readonly RecordWithTtl[];
  /** The hub's time when it came, and when it becomes too old. */
  readonly since: number;
  readonly due: number;
}

/** At most `size` answers; the one that was not asked for longest makes room. @internal */
export class DnsCache {
  readonly #size: number;
  /** In the order of their last use. */
  readonly #answers: Map<string, Answer> = new Map();

  constructor(size: number) {
    this.#size = size;
  }

  /** How many answers it holds, outdated ones included. */
  get size(): number {
    return this.#answers.size;
  }

  /** A copy of the records, with the seconds that are left to them; `undefined` if there are none, or too old ones. */
  get(key: string): RecordWithTtl[] | undefined {
    const answer = this.#answers.get(key);
    if (answer === undefined) return undefined;
    const now = hub.now();
    this.#answers.delete(key);
    if (now >= answer.due) return undefined;
    this.#answers.set(key, answer);
    const age = (now - answer.since) / 1000;
    return answer.records.map(({ address, ttl }) => ({ address, ttl: Math.ceil(ttl - age) }));
  }

  /** Remembers an answer until the first of its records is too old; one with a TTL of 0 not at all. */
  set(key: string, records: readonly RecordWithTtl[]): void {
    const ttl = Math.min(...records.map((record) => record.ttl));
    if (this.#size === 0 || !(ttl > 0)) return;
    const since = hub.now();
    this.#answers.delete(key);
    this.#answers.set(key, {
      records: records.map(({ address, ttl }) => ({ address, ttl })),
      since,
      due: since + ttl * 1000,
    });
    if (this.#answers.size > this.#size) this.#answers.delete(this.#answers.keys().next().value!);
  }
}

/** A crawler of one site. It goes level by level, so that each page is reached by its shortest path, and once. */
import { type Coroutine, isExit, Pool, sleep, Timeout } from 'genlet';
import { http } from 'genlet/io';
import { findLinks } from './links.ts';

export interface CrawlOptions {
  /** How many requests may be under way at a time. */
  readonly pool: number;
  /** How many links away from the start to go; a redirection is one. */
  readonly depth: number;
  /** How long a request may take, in milliseconds. */
  readonly timeout: number;
  /** How often to try before a page counts as failed. */
  readonly attempts: number;
}

/** What came of one request. */
interface Answer {
  /** Addresses that the page leads to. */
  readonly links: readonly string[];
  /** Where it is to be found instead. */
  readonly redirect?: string;
  /** Why there is no page. */
  readonly failure?: string;
  /** Whether another attempt may do better. */
  readonly passing?: boolean;
}

/** What became of one address. */
export interface Visit extends Answer {
  readonly url: string;
  readonly attempts: number;
  /** How long it took, in milliseconds, with all attempts. */
  readonly ms: number;
}

export interface Failure {
  readonly url: string;
  readonly reason: string;
}

/** The milliseconds before a second attempt; the pause doubles each time. */
const FIRST_PAUSE = 100;

export class Crawl {
  readonly start: string;
  readonly visits: Visit[] = [];
  /** How long the crawl has taken, in milliseconds. */
  ms = 0;
  readonly #options: CrawlOptions;
  readonly #known: Set<string>;

  constructor(start: URL, options: CrawlOptions) {
    this.start = new URL(start.pathname + start.search, start).href;
    this.#options = options;
    this.#known = new Set([this.start]);
  }

  /** How many addresses have been found so far. */
  get known(): number {
    return this.#known.size;
  }

  get pages(): Visit[] {
    return this.visits.filter(({ redirect, failure }) => redirect === undefined && failure === undefined);
  }

  /** Redirections that lead to something. */
  get redirects(): Visit[] {
    const targets = this.#redirectTargets();
    return this.visits.filter(({ url, redirect }) => redirect !== undefined && !isCircle(url, targets));
  }

  /** Addresses that gave no page, redirections in a circle among them; sorted by reason. */
  get failures(): Failure[] {
    const targets = this.#redirectTargets();
    const failures = this.visits.flatMap(({ url, failure }) => {
      const reason = failure ?? (isCircle(url, targets) ? 'redirected in a circle' : undefined);
      return reason === undefined ? [] : { url, reason };
    });
    return failures.sort((one, other) => one.reason.localeCompare(other.reason));
  }

  /** Crawls. It may be killed: then `visits` has what was done until then. */
  *run(): Coroutine<void> {
    const begin = performance.now();
    try {
      yield* this.#visitLevels();
    } finally {
      this.ms = performance.now() - begin;
    }
  }

  *#visitLevels(): Coroutine<void> {
    const pool = new Pool(this.#options.pool);
    let level = [this.start];
    for (let left = this.#options.depth; level.length > 0; left--) {
      using visits = pool.imapUnordered((url: string) => this.#visit(url), level);
      level = [];
      for (let step; !(step = yield* visits.next()).done; ) {
        this.visits.push(step.value);
        if (left > 0) level.push(...step.value.links.filter((link) => this.#isNews(link)));
      }
    }
  }

  #isNews(url: string): boolean {
    if (this.#known.has(url) || siteOf(url) !== siteOf(this.start)) return false;
    this.#known.add(url);
    return true;
  }

  *#visit(url: string): Coroutine<Visit> {
    const begin = performance.now();
    for (let attempts = 1; ; attempts++) {
      const answer = yield* request(url, this.#options.timeout);
      if (!answer.passing || attempts === this.#options.attempts) {
        return { url, attempts, ms: performance.now() - begin, ...answer };
      }
      yield* sleep(FIRST_PAUSE * 2 ** (attempts - 1));
    }
  }

  #redirectTargets(): Map<string, string | undefined> {
    return new Map(this.visits.map(({ url, redirect }) => [url, redirect]));
  }
}

/** Makes one request; every way in which that can fail is an answer too, except a kill. */
function* request(url: string, timeout: number): Coroutine<Answer> {
  try {
    using response = yield* http.fetch(url, { timeout, redirect: 'manual' });
    const { status, headers } = response;
    const location = headers.get('location');
    if (status >= 300 && status < 400 && location !== null) {
      const target = new URL(location, url);
      target.hash = '';
      return { links: [target.href], redirect: target.href };
    }
    if (!response.ok) return { links: [], failure: `HTTP ${status}`, passing: status >= 500 };
    if (!headers.get('content-type')?.includes('html')) return { links: [] };
    return { links: findLinks(yield* response.text(), url) };
  } catch (error) {
    if (isExit(error)) throw error;
    const failure = error instanceof Timeout ? `no answer within ${timeout} ms` : describeError(error);
    return { links: [], failure, passing: true };
  }
}

/** What `fetch` has to say about the network stands in the `cause`. */
function describeError(error: unknown): string {
  const { message, cause } = error as Error;
  return cause instanceof Error ? cause.message : message;
}

function siteOf(url: string): string {
  return new URL(url).host.replace(/^www\./, '');
}

/** Whether redirections lead from `url` back to where they have been. */
function isCircle(url: string, targets: Map<string, string | undefined>): boolean {
  const passed = new Set<string>();
  for (let at: string | undefined = url; at !== undefined; at = targets.get(at)) {
    if (passed.has(at)) return true;
    passed.add(at);
  }
  return false;
}

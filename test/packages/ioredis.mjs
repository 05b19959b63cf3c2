/** Clients of ioredis and the server of REDIS_SOCKET: commands, pipelines, transactions, blocking pops, channels, lost connections. */
import { once } from 'node:events';
import { pipeline as pipe } from 'node:stream/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';

/** Runs may have the server together. */
const prefix = `genlet:${process.pid}:`;

export default function* (tools) {
  const { say, wait } = tools;
  const redis = connect({ keyPrefix: prefix });
  try {
    yield* commands(redis, tools);
    yield* pipelines(redis, tools);
    yield* blocking(redis, tools);
    yield* channels(redis, tools);
    yield* scripts(redis, tools);
    yield* scanning(redis, tools);
    yield* connections(redis, tools);
    yield* many(tools);
  } finally {
    const keys = yield* wait(redis.keys(`${prefix}*`));
    if (keys.length > 0) yield* wait(redis.del(keys.map((key) => key.slice(prefix.length))));
    say('quit', yield* wait(redis.quit()));
  }
}

function connect(options) {
  return new Redis({ path: process.env.REDIS_SOCKET, retryStrategy: () => 5, ...options });
}

function* commands(redis, { say, wait }) {
  say('set', yield* wait(redis.set('a', '1', 'EX', 100)), yield* wait(redis.get('a')), yield* wait(redis.get('none')));
  say('incr', yield* wait(redis.incr('a')), yield* wait(redis.incrby('a', 40)), (yield* wait(redis.ttl('a'))) > 90);
  yield* wait(redis.hset('hash', { one: 1, two: 'zwei', bytes: Buffer.from([255, 0]) }));
  say('hash', Object.keys(yield* wait(redis.hgetall('hash'))), yield* wait(redis.hget('hash', 'two')));
  say('buffer', (yield* wait(redis.hgetBuffer('hash', 'bytes'))).toString('hex'));
  yield* wait(redis.rpush('list', 'a', 'b', 'c'));
  say('list', yield* wait(redis.lrange('list', 0, -1)), yield* wait(redis.lpop('list')));
  yield* wait(redis.zadd('scores', 2, 'b', 1, 'a', 3.5, 'c'));
  say('scores', yield* wait(redis.zrange('scores', 0, -1, 'WITHSCORES')));
  yield* wait(redis.sadd('set', ['x', 'y', 'x']));
  say('members', (yield* wait(redis.smembers('set'))).sort());
  say('type', yield* wait(redis.type('set')), yield* wait(redis.exists('set', 'list', 'none')));
  const large = 'x'.repeat(1_000_000);
  yield* wait(redis.set('large', large));
  say('large', (yield* wait(redis.get('large'))) === large);
  say('wrong type', yield* wait(redis.lpush('a', 'b').catch(({ name, message }) => `${name}: ${message}`)));
  const byCallback = yield* wait(new Promise((resolve) => redis.get('a', (error, value) => resolve([error, value]))));
  say('callback', byCallback, yield* wait(redis.call('GET', 'a')));
}

function* pipelines(redis, { say, wait }) {
  say('pipeline', yield* wait(redis.pipeline().set('p', 1).incr('p').lpush('p', 'no').get('p').exec().then(shown)));
  say('multi', yield* wait(redis.multi().set('m', 1).incr('m').exec()));
  say(
    'aborted',
    yield* wait(
      redis
        .multi()
        .set('m')
        .exec()
        .catch(({ message }) => message.slice(0, 9)),
    ),
  );
  yield* wait(redis.watch('m'));
  const other = redis.duplicate();
  yield* wait(other.set('m', 'changed'));
  say('watched', yield* wait(redis.multi().set('m', 2).exec()));
  other.disconnect();
  const results = yield* wait(
    redis.pipeline(Array.from({ length: 1000 }, (_, i) => ['set', `n${i}`, String(i)])).exec(),
  );
  say(
    'thousand',
    results.length,
    results.every(([error, value]) => error === null && value === 'OK'),
  );
  say('mget', yield* wait(redis.mget('n1', 'n2', 'n999')));
}

const shown = (results) => results.map(([error, value]) => error?.message.split(' ')[0] ?? value);

function* blocking(redis, { say, start, wait }) {
  const waiter = redis.duplicate();
  const popped = start(function* () {
    const first = yield* wait(waiter.blpop('queue', 5));
    const second = yield* wait(waiter.brpoplpush('queue', 'done', 5));
    return [first[1], second, yield* wait(waiter.blpop('queue', 0.01))];
  });
  yield* wait(delay(5));
  yield* wait(redis.rpush('queue', 'one'));
  yield* wait(redis.rpush('queue', 'two'));
  say('popped', yield* wait(popped));

  const read = waiter.xread('BLOCK', 5000, 'STREAMS', 'stream', '0');
  yield* wait(delay(5));
  yield* wait(redis.xadd('stream', '1-1', 'field', 'value'));
  say('stream', (yield* wait(read))[0][1]);

  const hopeless = waiter.blpop('never', 0).catch(({ message }) => message);
  yield* wait(delay(5));
  waiter.disconnect();
  say('disconnected', yield* wait(hopeless));
}

function* channels(redis, { say, start, wait }) {
  const subscriber = redis.duplicate({ keyPrefix: '' });
  const [channel, pattern] = [`${prefix}news`, `${prefix}*`];
  say('subscribed', yield* wait(subscriber.subscribe(channel)), yield* wait(subscriber.psubscribe(pattern)));
  const heard = [];
  const all = new Promise((resolve) => {
    const note = (...what) => heard.push(what.map((one) => String(one).replace(prefix, ''))) === 6 && resolve();
    subscriber.on('message', note).on('pmessage', (_pattern, ...what) => note('by pattern', ...what));
  });
  yield* wait(
    start(function* () {
      for (const text of ['a', 'b', 'c']) yield* wait(redis.publish(channel, text));
    }),
  );
  yield* wait(all);
  say('heard', heard);
  say('left', yield* wait(subscriber.unsubscribe(channel)), yield* wait(subscriber.punsubscribe(pattern)));
  yield* wait(subscriber.quit());
}

function* scripts(redis, { say, wait }) {
  redis.defineCommand('addAll', {
    numberOfKeys: 1,
    lua: "local sum = 0 for _, n in ipairs(ARGV) do sum = sum + n end return redis.call('incrby', KEYS[1], sum)",
  });
  say('script', yield* wait(redis.addAll('sum', 1, 2, 3)), yield* wait(redis.addAll('sum', 10)));
  say('eval', yield* wait(redis.eval('return {1, "two", {3}}', 0)));
  say('fails', yield* wait(redis.eval('return redis.error_reply("MY error")', 0).catch(({ message }) => message)));
}

function* scanning(redis, { say, wait }) {
  let found = 0;
  const stream = redis.scanStream({ match: `${prefix}n*`, count: 100 });
  yield* wait(
    pipe(stream, async (keys) => {
      for await (const some of keys) found += some.length;
    }),
  );
  say('scanned', found);
  const monitor = yield* wait(redis.monitor());
  const seen = new Promise((resolve) => {
    monitor.on('monitor', (_time, args) => args[1] === `${prefix}monitored` && resolve(args[0]));
  });
  yield* wait(redis.get('monitored'));
  say('monitored', yield* wait(seen));
  monitor.disconnect();
}

function* connections(redis, { say, wait }) {
  const victim = redis.duplicate({ connectionName: 'victim' });
  const events = [];
  for (const event of ['ready', 'close', 'reconnecting', 'end']) victim.on(event, () => events.push(event));
  const id = yield* wait(victim.client('ID'));
  const lost = once(victim, 'close');
  yield* wait(redis.client('KILL', 'ID', id));
  yield* wait(lost);
  say('queued', yield* wait(victim.get('a'))); // waits for the new connection
  const closed = once(victim, 'end');
  yield* wait(victim.quit());
  yield* wait(closed);
  say('events', events.join());
  say('closed', yield* wait(victim.get('a').catch(({ message }) => message)));

  const offline = redis.duplicate({ enableOfflineQueue: false });
  say('offline', yield* wait(offline.get('a').catch(({ message }) => message)));
  yield* wait(once(offline, 'ready'));
  offline.disconnect();
  const lazy = redis.duplicate({ lazyConnect: true });
  yield* wait(lazy.connect());
  say('online', yield* wait(lazy.get('a')), lazy.status);
  lazy.disconnect();

  const nobody = new Redis({
    port: 1,
    host: '127.0.0.1',
    maxRetriesPerRequest: 1,
    retryStrategy: () => 1,
    disconnectTimeout: 1,
  });
  const errors = [];
  nobody.on('error', ({ code }) => errors.push(code));
  say('nobody', yield* wait(nobody.get('a').catch(({ name }) => name)), errors[0]);
  nobody.disconnect();

  const impatient = redis.duplicate({ commandTimeout: 500 });
  say('late', yield* wait(impatient.blpop('never', 0).catch(({ message }) => message)));
  impatient.disconnect();
}

function* many({ say, start, wait }) {
  const redis = connect({ keyPrefix: prefix, enableAutoPipelining: true });
  const counts = yield* wait(
    Promise.all(
      Array.from({ length: 50 }, (_, i) =>
        start(function* () {
          yield* wait(redis.incr('count'));
          yield* wait(redis.set(`many${i}`, i));
          return Number(yield* wait(redis.get(`many${i}`)));
        }),
      ),
    ),
  );
  say(
    'many',
    yield* wait(redis.get('count')),
    counts.reduce((a, b) => a + b),
  );
  yield* wait(redis.quit());
}

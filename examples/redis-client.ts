// Talks to Redis: commands one after the other, many in one go, by two connections at a time, and a wrong one.
// Python: redis-py under gevent.monkey.patch_all().
import { all, run } from 'genlet';
import { address, readOptions, wholeNumber } from './support/options.ts';
import { Redis, RedisError } from './support/redis.ts';
import { seconds } from './support/table.ts';

const { to, commands } = readOptions({ to: address('127.0.0.1:6379'), commands: wholeNumber(10_000, { least: 1 }) });

const counter = 'genlet:example:counter';
const list = 'genlet:example:list';

function* countInTurn(redis: Redis) {
  const begin = performance.now();
  for (let n = 0; n < commands; n++) yield* redis.send('INCR', counter);
  console.log(`${commands} commands in turn: ${seconds(performance.now() - begin)}`);
}

function* countInOneGo(redis: Redis) {
  const begin = performance.now();
  const replies = Array.from({ length: commands }, () => redis.send<number>('INCR', counter));
  const last = yield* replies.at(-1)!;
  console.log(`${commands} commands in one go: ${seconds(performance.now() - begin)}`);
  console.log(`the counter stands at ${last}`);
}

await run(
  function* () {
    using redis = yield* Redis.connect(to);
    yield* redis.send('DEL', counter, list);
    yield* countInTurn(redis);
    yield* countInOneGo(redis);

    for (const bird of ['wren', 'owl', 'Zaunkönig']) redis.send('RPUSH', list, bird);
    console.log(yield* redis.send('LRANGE', list, 0, -1));

    // Redis keeps those who wait for an item in line, so the other greenlet has a connection of its own.
    using other = yield* Redis.connect(to);
    const [item] = yield* all([
      other.send('BLPOP', 'genlet:example:empty', 5),
      redis.send('RPUSH', 'genlet:example:empty', 1),
    ]);
    console.log(item);

    try {
      yield* redis.send('INCR', list);
    } catch (error) {
      if (!(error instanceof RedisError)) throw error;
      console.log(error.message);
    }
    yield* redis.send('DEL', counter, list);
  },
  { signals: true },
);

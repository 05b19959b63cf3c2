/** Clients and pools of pg, and the PostgreSQL that the environment names: queries, types, transactions, notices, TLS, lost connections. */
import { once } from 'node:events';
import pg from 'pg';

/** By TCP, with a password and TLS; the other connections are those of PGHOST, a Unix socket. */
const { PGPORT, PGPASSWORD: password } = process.env;
const remote = { host: '127.0.0.1', port: Number(PGPORT), password };

export default function* (tools) {
  const { say, wait } = tools;
  const client = new pg.Client();
  yield* wait(client.connect());
  try {
    yield* queries(client, tools);
    yield* types(client, tools);
    yield* failures(client, tools);
    yield* transactions(client, tools);
    yield* notifications(client, tools);
  } finally {
    yield* wait(client.end());
  }
  yield* pools(tools);
  yield* lostConnections(tools);
  yield* remoteConnections(tools);
  say('done');
}

function* queries(client, { say, wait }) {
  yield* wait(
    client.query('create temp table people (id serial primary key, name text unique, born date, tags text[])'),
  );
  const inserted = yield* wait(
    client.query('insert into people (name, born, tags) values ($1, $2, $3), ($4, null, null) returning id, name', [
      'Ann',
      '1990-05-06',
      ['a', 'b "c"', null],
      'Böb',
    ]),
  );
  say(inserted.command, inserted.rowCount, inserted.rows);
  const { rows, fields } = yield* wait(client.query('select name, tags from people order by id'));
  say(
    rows,
    fields.map(({ name, dataTypeID }) => [name, dataTypeID]),
  );
  say((yield* wait(client.query({ text: 'select 1, 2', rowMode: 'array' }))).rows);
  for (const n of [1, 2]) {
    const prepared = { name: 'double', text: 'select $1::int * 2 as twice', values: [n] };
    say('prepared', (yield* wait(client.query(prepared))).rows[0].twice);
  }
  say(
    'several',
    (yield* wait(client.query('select 1 as a; select 2 as b'))).map((result) => result.rows[0]),
  );
  say('empty', (yield* wait(client.query(''))).rows);
  const large = yield* wait(client.query("select n, repeat('x', 1000) as text from generate_series(1, 5000) n"));
  say('large', large.rows.length, large.rows.at(-1).n, large.rows[0].text.length);
  const byCallback = new Promise((resolve, reject) => {
    client.query('select 3 as three', (error, result) => (error ? reject(error) : resolve(result.rows)));
  });
  say('callback', yield* wait(byCallback));
  const query = client.query(new pg.Query('select generate_series(1, 3) as n'));
  const seen = [];
  query.on('row', ({ n }) => seen.push(n));
  yield* wait(once(query, 'end'));
  say('rows', seen);
}

function* types(client, { say, wait }) {
  const text = `select 1::int2 a, 2::int8 b, 1.50::numeric c, 'NaN'::float8 d, true e, null f, '{"x":[1]}'::jsonb g, '\\xff00'::bytea h,
    '2020-02-03 04:05:06.789+00'::timestamptz i, array[[1,2],[3,4]] j, 'x'::char(3) k, '1 day 02:00'::interval l, point(1,2) m`;
  const { rows } = yield* wait(client.query(text));
  say(rows[0], Buffer.isBuffer(rows[0].h), rows[0].i instanceof Date);
  const values = [{ a: 1 }, Buffer.from([1, 2]), new Date(0), [1, [2]].flat(), null, undefined, 10n, -1.5];
  const placeholders = ['json', 'bytea', 'timestamptz', 'int[]', 'text', 'text', 'int8', 'float8'];
  const back = yield* wait(
    client.query({ text: `select ${placeholders.map((type, i) => `$${i + 1}::${type}`)}`, values, rowMode: 'array' }),
  );
  say(back.rows[0]);
}

function* failures(client, { say, wait }) {
  const failed = ({ code, message, position }) => [code, message, position];
  for (const text of [
    'selec 1',
    'select * from nothing',
    "insert into people (name) values ('Ann')",
    "select 'x'::int",
    'select 1/0',
  ]) {
    say('fails', yield* wait(client.query(text).catch(failed)));
  }
  yield* wait(client.query("set statement_timeout = '100ms'"));
  say('late', yield* wait(client.query('select pg_sleep(5)').catch(failed)));
  yield* wait(client.query('set statement_timeout = 0'));
  say('no array', yield* wait(client.query('select $1', 'x').catch(({ message }) => message)));
  say('still', (yield* wait(client.query('select 1 as one'))).rows);
}

function* transactions(client, { say, wait }) {
  const count = function* () {
    return Number((yield* wait(client.query('select count(*) from people'))).rows[0].count);
  };
  for (const end of ['rollback', 'commit']) {
    yield* wait(client.query('begin'));
    yield* wait(client.query('insert into people (name) values ($1)', [end]));
    const inside = yield* count();
    yield* wait(client.query(end));
    say(end, inside, yield* count());
  }
  yield* wait(client.query('begin'));
  yield* wait(client.query('select 1/0').catch(() => {}));
  say('aborted', yield* wait(client.query('select 1').catch(({ code }) => code)));
  yield* wait(client.query('rollback'));
}

function* notifications(client, { say, wait }) {
  const channel = `genlet_${process.pid}`;
  const other = new pg.Client();
  yield* wait(other.connect());
  yield* wait(other.query(`listen ${channel}`));
  const heard = once(other, 'notification');
  yield* wait(client.query('select pg_notify($1, $2)', [channel, 'news']));
  say('notified', (yield* wait(heard))[0].payload);
  const noticed = once(client, 'notice');
  yield* wait(client.query("do $$ begin raise notice 'look: %', 42; end $$"));
  say('notice', (yield* wait(noticed))[0].message);
  yield* wait(other.end());
}

function* pools({ say, start, wait }) {
  const pool = new pg.Pool({ max: 3, idleTimeoutMillis: 20, connectionTimeoutMillis: 10_000 });
  const events = { connect: 0, acquire: 0, remove: 0 };
  for (const event of Object.keys(events)) pool.on(event, () => events[event]++);
  const tasks = Array.from({ length: 12 }, (_, i) =>
    start(function* () {
      const client = yield* wait(pool.connect());
      try {
        const { rows } = yield* wait(client.query('select $1::int as i, pg_sleep(0.002)', [i]));
        return rows[0].i;
      } finally {
        client.release();
      }
    }),
  );
  say('pool', (yield* wait(Promise.all(tasks))).join(), pool.totalCount <= 3, pool.waitingCount);
  say('query', (yield* wait(pool.query('select now() > $1 as later', [new Date(0)]))).rows);
  const ended = once(pool, 'remove');
  yield* wait(ended); // idle for too long
  yield* wait(pool.end());
  say('events', events.connect > 0, events.acquire, events.remove > 0);
  say('ended', yield* wait(pool.query('select 1').catch(({ message }) => message)));

  const small = new pg.Pool({ max: 1, connectionTimeoutMillis: 500 });
  const taken = yield* wait(small.connect());
  say('full', yield* wait(small.connect().catch(({ message }) => message)));
  taken.release(true);
  yield* wait(small.end());
}

function* lostConnections({ say, wait }) {
  const [victim, killer] = [new pg.Client(), new pg.Client()];
  yield* wait(Promise.all([victim.connect(), killer.connect()]));
  const { pid } = (yield* wait(victim.query('select pg_backend_pid() as pid'))).rows[0];
  victim.on('error', () => {}); // there is a second one
  const lost = once(victim, 'error');
  const ended = new Promise((resolve) => void victim.on('end', resolve)); // `once` would fail by the error
  yield* wait(killer.query('select pg_terminate_backend($1)', [pid]));
  say('lost', (yield* wait(lost))[0].code);
  yield* wait(ended);
  say('afterwards', yield* wait(victim.query('select 1').catch(({ message }) => message)));

  const pool = new pg.Pool({ max: 1 });
  const first = (yield* wait(pool.query('select pg_backend_pid() as pid'))).rows[0].pid;
  const reported = once(pool, 'error');
  yield* wait(killer.query('select pg_terminate_backend($1)', [first]));
  say('reported', (yield* wait(reported))[0].code);
  const second = (yield* wait(pool.query('select pg_backend_pid() as pid'))).rows[0].pid;
  say('replaced', second !== first);
  yield* wait(pool.end());
  yield* wait(killer.end());

  const dropped = new pg.Client();
  yield* wait(dropped.connect());
  dropped.on('error', () => {});
  const waiting = dropped.query('select pg_sleep(10)').catch(({ message }) => message);
  dropped.connection.stream.destroy();
  say('dropped', yield* wait(waiting));
}

function* remoteConnections({ say, wait }) {
  const connects = function* (options) {
    const client = new pg.Client({ ...remote, ...options });
    client.on('error', () => {});
    try {
      yield* wait(client.connect());
      const { rows } = yield* wait(client.query('select ssl from pg_stat_ssl where pid = pg_backend_pid()'));
      yield* wait(client.end());
      return rows[0];
    } catch (error) {
      return error.code ?? error.message;
    }
  };
  say('password', yield* connects({}));
  say('wrong password', yield* connects({ password: 'wrong' }));
  say('wrong database', yield* connects({ database: 'nothing' }));
  say('TLS', yield* connects({ ssl: { rejectUnauthorized: false } }));
  say('TLS, unknown issuer', yield* connects({ ssl: true }));
  say('refused', yield* connects({ port: 1 }));
}

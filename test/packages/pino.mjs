/** Loggers of pino: to files, streams, and threads. */
import { once } from 'node:events';
import { mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import pino from 'pino';

const plain = { base: undefined, timestamp: false };

export default function* (tools) {
  const { say, wait } = tools;
  const folder = yield* wait(mkdtemp(join(tmpdir(), 'genlet-pino-')));
  const hold = setInterval(() => {}, 1000); // threads don't keep the process alive
  try {
    yield* streams(tools);
    yield* files(folder, tools);
    yield* threads(folder, tools);
  } finally {
    clearInterval(hold);
    yield* wait(rm(folder, { recursive: true }));
  }
  pino(plain, pino.destination({ dest: 1, sync: true })).info('to stdout');
  say('done');
}

/** A stream that keeps what is written. */
function keeper() {
  const lines = [];
  const stream = new Writable({
    write(piece, _encoding, done) {
      lines.push(...String(piece).trim().split('\n'));
      setImmediate(done);
    },
  });
  return { lines, stream };
}

function* streams({ say, wait }) {
  const { lines, stream } = keeper();
  const logger = pino(
    {
      ...plain,
      level: 'debug',
      redact: ['password', 'deep.*.secret'],
      serializers: { error: pino.stdSerializers.err, request: ({ url }) => url },
      formatters: { level: (label) => ({ level: label }) },
      mixin: () => ({ mixed: true }),
      customLevels: { loud: 35 },
    },
    stream,
  );
  logger.info('plain');
  logger.trace('too low');
  logger.warn({ password: 'x', deep: { a: { secret: 'y', open: 'z' } } }, 'hidden %s %d %j', 'a', 1, { b: 2 });
  logger.child({ module: 'child' }, { level: 'error' }).error({ request: { url: '/x' } }, 'of a child');
  logger.loud('own level');
  const error = Object.assign(new Error('failed'), { code: 'E', stack: 'Error: failed', cause: undefined });
  logger.error({ error, when: new Date(0), big: 10n ** 20n, circle: circle() }, 'values');
  logger.level = 'silent';
  logger.fatal('not heard');
  stream.end();
  yield* wait(once(stream, 'finish'));
  say(lines.length);
  for (const line of lines) say(line);

  const [low, high] = [keeper(), keeper()];
  const many = pino(plain, pino.multistream([{ stream: low.stream }, { level: 'error', stream: high.stream }]));
  many.info('low');
  many.error('high');
  say('multistream', low.lines.length, high.lines.length);
}

function circle() {
  const object = {};
  object.self = object;
  return object;
}

function* files(folder, { say, start, wait }) {
  const read = (name) => readFile(join(folder, name), 'utf8');

  const direct = pino(plain, pino.destination({ dest: join(folder, 'direct'), sync: true }));
  direct.info('at once');
  say('sync', yield* wait(read('direct')));

  const destination = pino.destination({ dest: join(folder, 'later'), sync: false, minLength: 4096 });
  const later = pino(plain, destination);
  yield* wait(once(destination, 'ready'));
  for (let i = 0; i < 20; i++) later.info('in the buffer');
  say('buffered', (yield* wait(read('later'))).length);
  yield* wait(new Promise((resolve, reject) => later.flush((error) => (error ? reject(error) : resolve()))));
  say('flushed', (yield* wait(read('later'))).split('\n').length);
  yield* wait(rename(join(folder, 'later'), join(folder, 'rotated')));
  destination.reopen();
  yield* wait(once(destination, 'ready'));
  later.info('to the new file');
  destination.flushSync();
  say('reopened', yield* wait(read('later')));
  yield* wait(
    Promise.all(
      Array.from({ length: 5 }, (_, i) =>
        start(function* () {
          for (let j = 0; j < 100; j++) later.info({ i, j }, 'x'.repeat(100));
          yield* wait(new Promise((resolve) => setImmediate(resolve)));
        }),
      ),
    ),
  );
  const closed = once(destination, 'close');
  destination.end();
  yield* wait(closed);
  const lines = (yield* wait(read('later'))).trim().split('\n');
  say(
    'many',
    lines.length,
    lines.every((line) => JSON.parse(line).level === 30),
  );

  try {
    pino.destination({ dest: join(folder, 'none', 'file'), sync: true });
  } catch ({ code }) {
    say('missing', code);
  }
  const made = pino.destination({ dest: join(folder, 'new', 'file'), sync: false, mkdir: true });
  yield* wait(once(made, 'ready'));
  pino(plain, made).info('in a new folder');
  made.end();
  yield* wait(once(made, 'close'));
  say('made', yield* wait(read('new/file')));
}

function* threads(folder, { say, wait }) {
  const file = (name) => join(folder, name);
  const target = new URL('pino-transport.mjs', import.meta.url).href;
  const transport = pino.transport({
    targets: [
      { target, level: 'warn', options: { file: file('own'), mark: '>' } },
      { target: 'pino/file', level: 'info', options: { destination: file('all') } },
    ],
  });
  const logger = pino({ ...plain, level: 'debug' }, transport);
  yield* wait(once(transport, 'ready'));
  for (let i = 0; i < 200; i++) {
    logger.info({ i }, 'info');
    if (i % 50 === 0) logger.warn(`warning ${i}`);
  }
  yield* wait(new Promise((resolve, reject) => logger.flush((error) => (error ? reject(error) : resolve()))));
  const closed = once(transport, 'close');
  transport.end();
  yield* wait(closed);
  say('own transport', yield* wait(readFile(file('own'), 'utf8')));
  say('all', (yield* wait(readFile(file('all'), 'utf8'))).trim().split('\n').length);

  const unknown = pino.transport({ target: new URL('nothing.mjs', import.meta.url).href });
  say('unknown', (yield* wait(once(unknown, 'error')))[0].message.split(/['\n]/)[0]);
}

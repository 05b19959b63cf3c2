import { createReadStream, createWriteStream, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import readline from 'node:readline';
import stream, { finished, PassThrough, pipeline, Readable, Writable } from 'node:stream';
import zlib from 'node:zlib';
import { fromCallback, run, sleep, spawnNow, until, withTimeout } from 'genlet';
import { patchReadline, patchStream, patchZlib, type Started, unpatchAll } from 'genlet/monkey';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { namesWithTwins } from '../../../src/io/monkey/modules.ts';
import { nextTurn, watchHub } from '../../support/hub.ts';
import { thrown, watchResources } from '../support.ts';

const { takeReports } = watchHub();
watchResources();

beforeAll(() => {
  patchStream();
  patchReadline();
  patchZlib();
});
afterAll(unpatchAll);

const waitFor = (object: any) =>
  function* (): Generator<any, unknown, any> {
    return yield* object;
  };

describe('stream', () => {
  it('yield* stream waits for its end', async () => {
    await run(function* () {
      const source = Readable.from(['a', 'b']);
      const seen: string[] = [];
      source.on('data', (chunk) => seen.push(chunk));
      expect(yield* source).toBe(undefined);
      expect(seen).toEqual(['a', 'b']);
      const path = join(tmpdir(), `genlet-monkey-${process.pid}.txt`);
      const target = createWriteStream(path);
      target.write('text');
      yield* target.end();
      expect(target.writableFinished).toBe(true);
      expect((yield* thrown(createReadStream(`${path}.none`) as never)).code).toBe('ENOENT');
      rmSync(path);
    });
  });

  it('yield* stream throws what it is destroyed with; a kill forgets it', async () => {
    await run(function* () {
      const through = new PassThrough();
      const waiter = spawnNow(waitFor(through));
      expect(through.listenerCount('error')).toBeGreaterThan(0);
      yield* waiter.kill();
      expect([through.destroyed, through.listenerCount('error')]).toEqual([false, 0]);
      const error = new Error('no');
      setImmediate(() => through.destroy(error));
      expect(yield* thrown(through as never)).toBe(error);
    });
  });

  it('finished and pipeline are called without a callback', async () => {
    await run(function* () {
      const source = Readable.from(['a']);
      source.resume();
      expect(yield* finished(source)).toBe(undefined);
      expect(yield* stream.finished(Readable.from([]).resume(), { writable: false })).toBe(undefined);
      const chunks: string[] = [];
      const sink = new Writable({
        write: (chunk, _, done) => done(chunks.push(String(chunk)) > 9 ? new Error() : null),
      });
      yield* pipeline(Readable.from(['a', 'b']), new PassThrough(), sink);
      expect(chunks).toEqual(['a', 'b']);
      const error = new Error('of the user');
      const failing = new Readable({ read: () => void failing.destroy(error) });
      expect(yield* thrown(pipeline(failing, new PassThrough()))).toBe(error);
      expect(() => finished(5 as never)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' }));
      expect(() => (pipeline as any)()).toThrow(expect.objectContaining({ code: 'ERR_MISSING_ARGS' }));
    });
  });

  it('pipeline takes streams from before there were async iterators as ever', async () => {
    await run(function* () {
      const old = () => {
        const source = new PassThrough();
        source.end('text');
        return Object.assign(source, { [Symbol.asyncIterator]: undefined }) as any;
      };
      let seen = '';
      const read = async (source: AsyncIterable<Buffer>) => {
        for await (const chunk of source) seen += chunk;
      };
      yield* (pipeline as any)([old(), read]);
      yield* fromCallback((done) => void (pipeline as any)(old(), read, done));
      yield* until((stream.promises as any).pipeline(old(), read));
      expect(seen).toBe('texttexttext');
      expect(() => Readable.from(old())).toThrow('The "iterable" argument must be');
    });
  });

  it('a kill takes back finished, and destroys the streams of a pipeline', async () => {
    await run(function* () {
      const through = new PassThrough();
      const watching = spawnNow(() => finished(through));
      yield* watching.kill();
      expect([through.destroyed, through.listenerCount('error')]).toEqual([false, 0]);
      const [source, target] = [new PassThrough(), new PassThrough()];
      expect(yield* withTimeout(1, () => pipeline(source, target), { value: 'late' })).toBe('late');
      yield* sleep(1);
      expect([source.destroyed, target.destroyed]).toEqual([true, true]);
    });
  });

  it('outside, and with callbacks, all is as it was', async () => {
    const through = new PassThrough() as any;
    expect(through[Symbol.iterator]).toBe(undefined);
    expect(() => new Set(through)).toThrow('not iterable');
    expect(() => (finished as any)(through)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' }));
    const ended = await run(
      () =>
        new Promise((resolve) => {
          const forget = finished(through, resolve);
          expect(typeof forget).toBe('function');
          through.end();
          through.resume();
        }),
    );
    expect(ended).toBe(undefined);
    await stream.promises.pipeline(Readable.from(['a']), new PassThrough().resume());
  });
});

describe('zlib', () => {
  const inverse: Record<string, string> = {
    deflate: 'inflate',
    gzip: 'gunzip',
    deflateRaw: 'inflateRaw',
    brotliCompress: 'brotliDecompress',
    zstdCompress: 'zstdDecompress',
  };
  const packing = namesWithTwins(zlib).filter((name) => name in inverse);

  it.each(packing)('%s and its inverse are called without a callback', async (name) => {
    await run(function* () {
      const functions = zlib as any;
      const packed = yield* functions[name]('text', {});
      expect(String(yield* functions[inverse[name]!](packed))).toBe('text');
    });
  });

  it('covers every function with a twin', () => {
    const covered = [...Object.entries(inverse).flat(), 'unzip', 'createZipArchive'];
    expect(namesWithTwins(zlib).filter((name) => !covered.includes(name))).toEqual([]);
  });

  it('throws what Node does', async () => {
    await run(function* () {
      expect(String(yield* zlib.unzip(yield* zlib.gzip('text')))).toBe('text');
      expect((yield* thrown(zlib.gunzip(Buffer.from('no')))).code).toBe('Z_DATA_ERROR');
      expect(() => zlib.gzip(5 as never)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' }));
    });
    expect(() => (zlib.gzip as any)('x')).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' }));
  });

  it('flush, params and close of a stream are waited for', async () => {
    await run(function* () {
      const deflate = zlib.createDeflate();
      const chunks: Buffer[] = [];
      deflate.on('data', (chunk) => chunks.push(chunk));
      deflate.write('some text');
      yield* deflate.flush() as never as Started;
      expect(zlib.inflateSync(Buffer.concat(chunks), { finishFlush: zlib.constants.Z_SYNC_FLUSH }).toString()).toBe(
        'some text',
      );
      yield* deflate.params(9, zlib.constants.Z_DEFAULT_STRATEGY) as never as Started;
      yield* (deflate as any).params(1);
      yield* deflate.close() as never as Started;
      expect(deflate.destroyed).toBe(true);
      const brotli = zlib.createBrotliCompress();
      yield* brotli.flush() as never as Started;
      brotli.close(); // nobody waits, and nobody hears of it
      zlib.createGzip().close();
    });
    await nextTurn();
    expect(await takeReports()).toEqual([]);
    const done = await new Promise((resolve) => zlib.createGzip().flush(() => resolve('done')));
    expect(done).toBe('done');
  });
});

describe('readline', () => {
  const dialogue = () => {
    const [input, output] = [new PassThrough(), new PassThrough()];
    const lines = readline.createInterface({ input, output });
    return { input, output, lines };
  };

  it('question gives the answer', async () => {
    await run(function* () {
      const { input, output, lines } = dialogue();
      const before = lines.listenerCount('close');
      const asking = spawnNow(() => lines.question('name? '));
      expect(String(output.read())).toBe('name? ');
      input.write('Egon\n');
      expect(yield* asking).toBe('Egon');
      const again = lines.question('and? ', { signal: new AbortController().signal });
      input.write('Alex\n');
      expect(yield* again).toBe('Alex');
      expect(lines.listenerCount('close')).toBe(before);
      lines.close();
    });
  });

  it('a kill withdraws the question', async () => {
    await run(function* () {
      const { input, lines } = dialogue();
      const asking = spawnNow(() => lines.question('name? '));
      yield* asking.kill();
      const line = new Promise((resolve) => lines.once('line', resolve));
      input.write('not an answer\n');
      expect(yield* spawnNow(() => line)).toBe('not an answer');
      lines.close();
    });
  });

  it('a signal of the caller, and closing, end it with an error', async () => {
    await run(function* () {
      const { lines } = dialogue();
      const controller = new AbortController();
      const asking = lines.question('x', { signal: controller.signal });
      controller.abort();
      expect((yield* thrown(asking)).name).toBe('AbortError');
      expect((yield* thrown(lines.question('x', { signal: AbortSignal.abort() }))).name).toBe('AbortError');
      expect(() => lines.question('x', { signal: 5 } as never)).toThrow(TypeError);
      const open = lines.question('x');
      lines.close();
      expect(yield* thrown(open)).toMatchObject({ name: 'AbortError', code: 'ABORT_ERR' });
      expect(() => lines.question('x')).toThrow(expect.objectContaining({ code: 'ERR_USE_AFTER_CLOSE' }));
    });
  });

  it('outside, and with a callback, it is as it was', async () => {
    const { input, lines } = dialogue();
    expect((lines.question as any)('x')).toBe(undefined);
    const answer = run(() => new Promise((resolve) => lines.question('y', resolve)));
    await nextTurn();
    input.write('answer\n');
    expect(await answer).toBe('answer');
    lines.close();
  });
});

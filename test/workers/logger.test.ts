import { run, spawn } from 'genlet';
import { formatLogRecord, getLogger, type LogRecord, WorkerHub } from 'genlet/workers';
import { describe, expect, it } from 'vitest';
import { watchHub } from '../support/hub.ts';
import { log } from './fixtures/logger-tasks.ts';

watchHub();

/** A logger of its own, whose records are kept. */
function keep(name: string) {
  const records: LogRecord[] = [];
  const logger = getLogger(name);
  logger.write = (_, record) => records.push(record);
  return { logger, records };
}

describe('getLogger', () => {
  it('gives the same logger for the same name', () => {
    expect(getLogger('one')).toBe(getLogger('one'));
    expect(getLogger('one')).not.toBe(getLogger('two'));
    expect(getLogger().name).toBe('genlet');
    expect(() => getLogger(5 as never)).toThrow('name is 5: give a string');
  });

  it('names the process and the greenlet', async () => {
    const { logger, records } = keep('names');
    logger.info('outside');
    await run(function* () {
      const greenlet = spawn(() => logger.error('inside %s', 'it'));
      greenlet.name = 'worker bee';
      yield* greenlet.join();
    });
    expect(records.map(formatLogRecord)).toEqual([
      '[INFO/MainProcess] outside\n',
      '[ERROR/MainProcess/worker bee] inside it\n',
    ]);
    expect(records[0]).toMatchObject({ logger: 'names', level: 'info', greenlet: undefined, time: expect.any(Date) });
  });

  it('drops what is below its level', () => {
    const { logger, records } = keep('levels');
    logger.debug('no');
    logger.level = 'error';
    logger.warning('no');
    logger.error('yes');
    logger.level = 'debug';
    logger.debug('yes');
    expect(records.map(({ level }) => level)).toEqual(['error', 'debug']);
    expect(() => Object.assign(logger, { level: 'loud' })).toThrow(
      "level is 'loud': give one of debug, info, warning, error",
    );
    expect(() => Object.assign(logger, { write: 5 })).toThrow('write is 5');
  });

  it('names the worker thread', { timeout: 60_000 }, () =>
    run(function* () {
      const hub = new WorkerHub({ size: 1 });
      const line = yield* hub.spawn(log, 'from afar');
      expect(line).toMatch(/^\[WARNING\/[^/\]]*1\/[^\]]+\] from afar\n$/);
      yield* hub.close();
    }),
  );
});

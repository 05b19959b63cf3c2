import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { pathToFileURL } from 'node:url';
import { type Greenlet, run, sleep, spawn } from 'genlet';
import { describe, expect, it } from 'vitest';
import { fs } from '../../src/io/fs.ts';
import { watchHub } from '../support/hub.ts';
import { at, useFolder } from './fs-support.ts';
import { thrown } from './support.ts';

watchHub();
useFolder();

const mode = (name: string): number => statSync(at(name)).mode & 0o777;

describe('writeFileAtomic', () => {
  it('makes a file, and replaces one together with its permissions', async () => {
    await run(function* () {
      yield* fs.writeFileAtomic(at('new'), 'text');
      yield* fs.writeFileAtomic(pathToFileURL(at('given')), Buffer.from('bytes'), { mode: 0o666 });
      writeFileSync(at('old'), 'a much longer text');
      chmodSync(at('old'), 0o604);
      yield* fs.writeFileAtomic(at('old'), 'e4', { encoding: 'hex' });
    });
    expect(readFileSync(at('new'), 'utf8')).toBe('text');
    expect(readFileSync(at('given'), 'utf8')).toBe('bytes');
    expect(readFileSync(at('old'), 'latin1')).toBe('\u00e4');
    expect([mode('new'), mode('given'), mode('old')]).toEqual([0o666 & ~process.umask(), 0o666, 0o604]);
    expect(readdirSync(at('.')).sort()).toEqual(['given', 'new', 'old']);
  });

  it('replaces what a symbolic link leads to', async () => {
    mkdirSync(at('sub'));
    writeFileSync(at('sub/real'), 'old');
    symlinkSync('sub/real', at('link'));
    await run(() => fs.writeFileAtomic(at('link'), 'new'));
    expect([readlinkSync(at('link')), readFileSync(at('sub/real'), 'utf8')]).toEqual(['sub/real', 'new']);
    expect(readdirSync(at('sub'))).toEqual(['real']);
  });

  it('leaves nothing behind when it fails', async () => {
    mkdirSync(at('folder'));
    await run(function* () {
      expect(yield* thrown(fs.writeFileAtomic(at('folder'), 'x'))).toMatchObject({ syscall: 'rename' });
      expect(yield* thrown(fs.writeFileAtomic(at('no/such/folder'), 'x'))).toMatchObject({ code: 'ENOENT' });
    });
    expect(readdirSync(at('.'))).toEqual(['folder']);
  });

  it('leaves the old file or the new one, and nothing else, when it is killed at any point', async () => {
    const [old, replacement] = ['old', 'x'.repeat(3 * 2 ** 20)];
    const outcomes = new Set<string>();
    let steps = 0;
    for (let finished = false; !finished; steps++) {
      writeFileSync(at('file'), old);
      await run(function* () {
        const writer: Greenlet<unknown> = spawn(() => fs.writeFileAtomic(at('file'), replacement));
        let blocked = 0;
        // Each time that it blocks anew counts as a step.
        for (let last: unknown; !writer.dead && blocked <= steps; yield* sleep(0)) {
          if (writer.waitPoint !== null && writer.waitPoint !== last) {
            last = writer.waitPoint;
            blocked++;
          }
        }
        finished = writer.dead;
        yield* writer.kill();
        expect(writer.exception).toBe(undefined);
      });
      const contents = readFileSync(at('file'), 'utf8');
      outcomes.add(contents === old ? 'old' : contents === replacement ? 'new' : 'something else');
      expect(readdirSync(at('.'))).toEqual(['file']);
    }
    expect(steps).toBeGreaterThan(8);
    expect(outcomes).toEqual(new Set(['old', 'new']));
  });

  it('survives a second kill while it cleans up', async () => {
    writeFileSync(at('file'), 'old');
    await run(function* () {
      const writer = spawn(() => fs.writeFileAtomic(at('file'), 'x'.repeat(3 * 2 ** 20)));
      while (readdirSync(at('.')).length < 2) yield* sleep(0);
      writer.kill();
      yield* sleep(0);
      writer.kill();
      yield* writer.join();
    });
    expect(readdirSync(at('.'))).toEqual(['file']);
    expect(readFileSync(at('file'), 'utf8')).toBe('old');
  });

  it('checks its arguments at the call', () => {
    expect(() => fs.writeFileAtomic('x', 5 as never)).toThrow('data is 5: give a string, a Buffer or a Uint8Array');
    expect(() => fs.writeFileAtomic('x', '', { encoding: 'no' as never })).toThrow("encoding is 'no'");
  });
});

import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { joinall, run, sleep, spawn } from 'genlet';
import { type Socket, socketpair } from 'genlet/io';
import { describe, expect, it } from 'vitest';
import { watchHub } from '../support/hub.ts';
import { watchResources } from './support.ts';

watchHub();
watchResources();

const folders = () => readdirSync(tmpdir()).filter((name) => name.startsWith('genlet-pair-'));

describe('socketpair', () => {
  it('gives two sockets that talk to each other both ways, to the end of either', () =>
    run(function* () {
      const [left, right] = yield* socketpair();
      yield* left.sendall('ping');
      expect(String(yield* right.recv())).toBe('ping');
      yield* right.sendall('pong');
      right.shutdown('write');
      expect(String(yield* left.recv())).toBe('pong');
      expect(yield* left.recv()).toHaveLength(0);
      yield* left.sendall('still');
      left.close();
      expect(String(yield* right.recv())).toBe('still');
      expect(yield* right.recv()).toHaveLength(0);
      right.close();
    }));

  it('leaves no folder behind, also for many pairs made at the same time', () =>
    run(function* () {
      const before = folders();
      const makers = Array.from({ length: 20 }, () => spawn(() => socketpair()));
      yield* joinall(makers, { raiseError: true });
      const pairs = makers.map((maker) => maker.value as [Socket, Socket]);
      for (const [index, [left]] of pairs.entries()) yield* left.sendall(`${index}`);
      const heard = [];
      for (const [, right] of pairs) heard.push(Number(yield* right.recv()));
      expect(heard).toEqual(pairs.map((_, index) => index));
      for (const socket of pairs.flat()) socket.close();
      expect(folders()).toEqual(before);
    }));

  it('takes everything back when it is killed, wherever it is', () =>
    run(function* () {
      const before = folders();
      for (let turns = 0; ; turns++) {
        const maker = spawn(() => socketpair());
        for (let turn = 0; turn < turns; turn++) yield* sleep(0);
        yield* maker.kill();
        expect(folders()).toEqual(before);
        if (!Array.isArray(maker.value)) continue;
        for (const socket of maker.value) socket.close();
        break;
      }
    }));
});

import {
  BrokenPipeError,
  ConnectionClosedError,
  EOFError,
  type Operation,
  race,
  run,
  sleep,
  spawn,
  Timeout,
  UncloneableError,
  wait,
  withTimeout,
} from 'genlet';
import { type Connection, Pipe } from 'genlet/workers';
import { describe, expect, it } from 'vitest';
import { caught } from '../support/caught.ts';
import { hub, nextTurn, virtually, watchHub } from '../support/hub.ts';

watchHub();

function* until<T>(value: T, ms: number) {
  yield* sleep(ms);
  return value;
}

describe('a Connection', () => {
  it('carries values both ways, in order, as clones', async () => {
    await run(function* () {
      const [one, other] = Pipe();
      const sent = { list: [1, 'two', null], map: new Map([['key', new Date(0)]]), bytes: new Uint8Array([1, 2]) };
      yield* one.send(sent);
      yield* one.send(2);
      yield* other.send('back');
      const received = yield* other.recv();
      expect(received).toEqual(sent);
      expect(received).not.toBe(sent);
      expect(yield* other.recv()).toBe(2);
      expect(yield* one.recv()).toBe('back');
    });
  });

  it('takes a value as it is when it is sent', async () => {
    await run(function* () {
      const [one, other] = Pipe();
      const value = { count: 1 };
      yield* one.send(value);
      value.count = 2;
      expect(yield* other.recv()).toEqual({ count: 1 });
    });
  });

  it('sends nothing before yield*', async () => {
    await run(function* () {
      const [one, other] = Pipe();
      const send = one.send(1);
      expect(yield* other.poll()).toBe(false);
      yield* send;
      expect(yield* other.poll()).toBe(true);
    });
  });

  it('refuses what cannot be sent, and says where that is', async () => {
    await run(function* () {
      const [one, other] = Pipe();
      const send = one.send({ jobs: [{ callback: () => {} }] });
      expect(yield* caught(send)).toBeInstanceOf(UncloneableError);
      expect(String(yield* caught(one.send({ jobs: [{ callback: () => {} }] })))).toContain('value.jobs[0].callback');
      yield* one.send('works on');
      expect(yield* other.recv()).toBe('works on');
    });
  });

  it('serves receivers in the order of their calls', async () => {
    await run(function* () {
      const [one, other] = Pipe<number>();
      const events: string[] = [];
      const receivers = ['a', 'b', 'c'].map((name) =>
        spawn(function* () {
          events.push(`${name}${yield* other.recv()}`);
        }),
      );
      yield* sleep(0);
      for (const value of [1, 2, 3]) yield* one.send(value);
      yield* wait(receivers);
      expect(events).toEqual(['a1', 'b2', 'c3']);
    });
  });

  it('gives up receiving when time is up, and loses nothing', async () => {
    await virtually(function* () {
      const [one, other] = Pipe();
      expect(yield* caught(other.recv({ timeout: 20 }))).toBeInstanceOf(Timeout);
      expect(hub.now()).toBe(20);
      expect(yield* caught(other.recv({ block: false }))).toBeInstanceOf(Timeout);
      expect(yield* caught(other.recv({ timeout: 0 }))).toBeInstanceOf(Timeout);
      yield* one.send('kept');
      expect(yield* other.recv({ block: false })).toBe('kept');
    });
  });

  it('loses nothing to a receiver that is killed or times out from outside', async () => {
    await virtually(function* () {
      const [one, other] = Pipe();
      const receiver = spawn(() => other.recv());
      yield* sleep(0);
      yield* receiver.kill();
      expect(yield* withTimeout(5, () => other.recv(), { value: 'late' })).toBe('late');
      yield* race([other.recv(), sleep(1)]);
      yield* one.send(1);
      expect(yield* other.recv()).toBe(1);
    });
  });

  it('lets a receiver that was killed in the same pass keep what it was given', async () => {
    await run(function* () {
      const [one, other] = Pipe();
      const given: unknown[] = [];
      const receiver = spawn(function* () {
        given.push(yield* other.recv());
        yield* sleep(0);
        given.push('never');
      });
      yield* sleep(0);
      yield* one.send('item');
      yield* receiver.kill();
      expect(given).toEqual(['item']);
    });
  });

  it('polls: at once, for a time, or for ever', async () => {
    await virtually(function* () {
      const [one, other] = Pipe();
      expect(yield* other.poll()).toBe(false);
      expect(yield* other.poll(30)).toBe(false);
      expect(hub.now()).toBe(30);
      spawn(function* () {
        yield* sleep(5);
        yield* one.send(1);
      });
      expect(yield* other.poll(null)).toBe(true);
      expect(hub.now()).toBe(35);
      expect(yield* other.poll(10)).toBe(true);
      expect(yield* other.recv()).toBe(1);
    });
  });

  it('ends for the other side when it is closed, once all was received', async () => {
    await run(function* () {
      const [one, other] = Pipe();
      yield* one.send('last');
      one.close();
      one.close();
      expect(one.closed).toBe(true);
      expect(yield* other.poll()).toBe(true);
      expect(yield* other.recv()).toBe('last');
      expect(yield* other.poll()).toBe(true);
      expect(yield* caught(other.recv())).toBeInstanceOf(EOFError);
      expect(yield* caught(other.recv())).toBeInstanceOf(EOFError);
      expect(yield* caught(other.send(1))).toBeInstanceOf(BrokenPipeError);
      other.close();
    });
  });

  it('wakes who waits at either end when one is closed', async () => {
    await run(function* () {
      const [one, other] = Pipe();
      const waits = [one.recv(), one.poll(null), other.recv(), other.poll(null)].map((call) =>
        spawn(function* () {
          return yield* settled(call);
        }),
      );
      yield* sleep(0);
      one.close();
      yield* wait(waits);
      const [recv, poll, otherRecv, otherPoll] = waits.map(({ value }) => value);
      expect(recv).toBeInstanceOf(ConnectionClosedError);
      expect(String(recv)).toContain('Connection.recv()');
      expect(poll).toBeInstanceOf(ConnectionClosedError);
      expect(otherRecv).toBeInstanceOf(EOFError);
      expect(otherPoll).toBe(true);
      expect(yield* caught(one.recv())).toBeInstanceOf(ConnectionClosedError);
      expect(yield* caught(one.send(1))).toBeInstanceOf(ConnectionClosedError);
      expect(yield* caught(one.poll())).toBeInstanceOf(ConnectionClosedError);
    });
  });

  it('is closed by using', async () => {
    await run(function* () {
      const [one, other] = Pipe();
      {
        using _ = one;
      }
      expect(yield* caught(other.recv())).toBeInstanceOf(EOFError);
    });
  });

  it('goes one way only, if it is said so', async () => {
    await run(function* () {
      const [receiving, sending] = Pipe(false);
      expect([receiving.readable, receiving.writable, sending.readable, sending.writable]).toEqual([
        true,
        false,
        false,
        true,
      ]);
      yield* sending.send(1);
      expect(yield* receiving.recv()).toBe(1);
      expect(String(yield* caught(receiving.send(1)))).toContain('send() at the receiving end of a pipe');
      expect(String(yield* caught(sending.recv()))).toContain('recv() at the sending end of a pipe');
      expect(String(yield* caught(sending.poll()))).toContain('poll() at the sending end of a pipe');
    });
  });

  it('makes senders wait who are a megabyte ahead, and serves them in order', async () => {
    await virtually(function* () {
      const [one, other] = Pipe<Buffer>();
      const block = Buffer.alloc(300_000);
      let sent = 0;
      const sender = spawn(function* () {
        for (; sent < 10; sent++) {
          block[0] = sent;
          yield* one.send(block);
        }
      });
      yield* sleep(1);
      expect(sent).toBe(4);
      const received: number[] = [];
      for (let left = 10; left > 0; left--) received.push((yield* other.recv())[0]!);
      expect(received).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
      yield* sender.join();
    });
  });

  it('sends nothing for a sender that was killed while it waited', async () => {
    await virtually(function* () {
      const [one, other] = Pipe();
      yield* one.send(Buffer.alloc(2_000_000));
      const killed = spawn(() => one.send('killed'));
      const waiting = spawn(() => one.send('sent'));
      yield* sleep(1);
      yield* killed.kill();
      expect(waiting.dead).toBe(false);
      yield* other.recv();
      yield* waiting.join();
      expect(yield* other.recv()).toBe('sent');
      expect(yield* other.poll()).toBe(false);
    });
  });

  it('tells senders who wait that the other end is gone', async () => {
    await run(function* () {
      const [one, other] = Pipe();
      yield* one.send(Buffer.alloc(2_000_000));
      const sender = spawn(() => settled(one.send('more')));
      yield* sleep(0);
      other.close();
      expect(yield* sender).toBeInstanceOf(BrokenPipeError);
    });
  });

  it('can be waited for: ready when there is a value, or the end', async () => {
    await virtually(function* () {
      const pipes = [Pipe(), Pipe(), Pipe()];
      const ends = pipes.map(([, end]) => end);
      spawn(function* () {
        yield* sleep(1);
        yield* pipes[1]![0].send('value');
        yield* sleep(1);
        pipes[0]![0].close();
      });
      expect(yield* wait(ends, { count: 2 })).toEqual([ends[1], ends[0]]);
      expect(ends.map((end) => end.ready())).toEqual([true, true, false]);
      expect(yield* wait(ends, { timeout: 5 })).toEqual([ends[0], ends[1]]);
      expect(yield* ends[1]!.recv()).toBe('value');
    });
  });

  it('takes links back', async () => {
    const [one, other] = Pipe();
    const calls: Connection[] = [];
    const link = (source: Connection) => calls.push(source);
    other.rawlink(link);
    other.unlink(link);
    other.unlink(link);
    one.close();
    await nextTurn();
    expect(calls).toEqual([]);
    other.rawlink(link);
    await nextTurn();
    expect(calls).toEqual([other]);
  });

  it('can be sent through another connection, with what was not received yet', async () => {
    await run(function* () {
      const [one, other] = Pipe();
      const [carrier, arrival] = Pipe();
      yield* one.send('before');
      yield* carrier.send({ nested: new Map([['end', other]]) });
      expect(other.closed).toBe(true);
      expect(String(yield* caught(other.recv()))).toContain('was sent to another process');
      yield* one.send('after');
      const moved = (yield* arrival.recv()).nested.get('end') as Connection;
      expect([yield* moved.recv(), yield* moved.recv()]).toEqual(['before', 'after']);
      yield* moved.send('back');
      expect(yield* one.recv()).toBe('back');
      moved.close();
      expect(yield* caught(one.recv())).toBeInstanceOf(EOFError);
    });
  });

  it('ends when it was sent to somebody who never takes it', async () => {
    await run(function* () {
      const [one, other] = Pipe();
      const [carrier, arrival] = Pipe();
      yield* carrier.send(other);
      arrival.close();
      expect(yield* caught(one.recv())).toBeInstanceOf(EOFError);
    });
  });

  it('stays where it is when it could not be sent', async () => {
    await run(function* () {
      const [one, other] = Pipe();
      const [carrier] = Pipe();
      expect(yield* caught(carrier.send([other, () => {}]))).toBeInstanceOf(UncloneableError);
      yield* one.send('here');
      expect(yield* other.recv()).toBe('here');
      other.close();
      expect(String(yield* caught(carrier.send(other)))).toContain('sending of a Connection that was closed');
    });
  });

  it('is told by LoopExit when nobody can send', async () => {
    await expect(
      virtually(function* () {
        yield* Pipe()[0].recv();
      }),
    ).rejects.toThrow('Connection.recv()');
  });

  it('checks its arguments at the call', async () => {
    const [one] = Pipe();
    expect(() => one.recv({ timeout: -1 })).toThrow('timeout is -1');
    expect(() => one.recv(5 as never)).toThrow('options is 5');
    expect(() => one.poll(Number.NaN)).toThrow('timeout is NaN');
    expect(() => Pipe(1 as never)).toThrow('duplex is 1');
    expect(() => one.rawlink(1 as never)).toThrow('link is 1');
    expect(() => [...(one.recv() as never as Iterable<unknown>)]).toThrow('Connection.recv()');
    await run(() => until(1, 0));
  });
});

function* settled(call: Operation<any>): Generator<any, unknown, any> {
  try {
    return yield* call;
  } catch (error) {
    return error;
  }
}

/** The cases of `Channel` in gevent's test__queue; those of its time limits are in queue-gevent.test.ts. */
import { Channel, joinall, QueueEmpty, QueueFull, QueueShutDown, sleep, spawn, withTimeout } from 'genlet';
import { describe, expect, it } from 'vitest';
import { hub, virtually, watchHub } from '../support/hub.ts';
import { outcomeNow } from './queue-support.ts';

watchHub();

/** What it tells of itself. */
const look = (channel: Channel<unknown>) => [channel.qsize(), channel.empty(), channel.full(), channel.balance];

describe('Channel', () => {
  it('takes nothing from hub callbacks while nobody waits for an item', () =>
    virtually(function* () {
      const channel = new Channel<number>();
      const results: unknown[] = [];
      hub.callSoon(() => results.push(outcomeNow(() => channel.putNowait(2))));
      hub.callSoon(() => results.push(outcomeNow(() => channel.putNowait(3))));
      yield* sleep(0);
      expect([results, look(channel)]).toEqual([
        [QueueFull, QueueFull],
        [0, true, true, 0],
      ]);
    }));

  it('hands an item from a hub callback to a blocked getter, and a second one to nobody', () =>
    virtually(function* () {
      const channel = new Channel<number>();
      const getter = spawn(() => channel.get());
      expect(look(channel)).toEqual([0, true, true, 0]);
      yield* sleep(1);
      expect(look(channel)).toEqual([0, true, true, -1]);
      const results: unknown[] = [];
      hub.callSoon(() => results.push(outcomeNow(() => channel.putNowait(10))));
      hub.callSoon(() => results.push(outcomeNow(() => channel.putNowait(11))));
      expect(getter.ready()).toBe(false);
      yield* sleep(1);
      expect([results, getter.ready(), getter.value]).toEqual([[undefined, QueueFull], true, 10]);
      expect(look(channel)).toEqual([0, true, true, 0]);
    }));

  it('gives a getter that waits under a time limit the item that comes in time', () =>
    virtually(function* () {
      const channel = new Channel<string>();
      const getter = spawn(() => withTimeout(100, () => channel.get()));
      yield* sleep(10);
      yield* channel.put('hi2');
      yield* sleep(10);
      expect([getter.value, hub.stats().timers]).toEqual(['hi2', 0]);
    }));

  it('gives a hub callback the item of a blocked putter, who goes on then', () =>
    virtually(function* () {
      const channel = new Channel<number>();
      const putter = spawn(() => channel.put(5));
      expect(look(channel)).toEqual([0, true, true, 0]);
      yield* sleep(1);
      expect([look(channel), putter.dead]).toEqual([[0, true, true, 1], false]);
      const results: unknown[] = [];
      hub.callSoon(() => results.push(outcomeNow(() => channel.getNowait())));
      hub.callSoon(() => results.push(outcomeNow(() => channel.getNowait())));
      yield* sleep(1);
      expect([results, putter.dead, putter.successful()]).toEqual([[5, QueueEmpty], true, true]);
      expect(look(channel)).toEqual([0, true, true, 0]);
    }));

  it('blocks a sender until a receiver comes', () =>
    virtually(function* () {
      const channel = new Channel<string>();
      const sender = spawn(function* () {
        yield* channel.put('hi');
        return 'done';
      });
      yield* sleep(1);
      expect(sender.ready()).toBe(false);
      const receiver = spawn(() => channel.get());
      expect([yield* receiver, yield* sender, hub.now()]).toEqual(['hi', 'done', 1]);
      expect(yield* joinall([sender, receiver], { timeout: 0 })).toHaveLength(2);
    }));

  it('lets the sender go on only when its item was received', () =>
    virtually(function* () {
      const channel = new Channel<string>();
      const events: string[] = [];
      const receiver = spawn(function* () {
        events.push(yield* channel.get());
        events.push(yield* channel.get());
      });
      events.push('sending');
      yield* channel.put('hello');
      events.push('sent hello');
      yield* channel.put('world');
      events.push('sent world');
      expect(events).toEqual(['sending', 'hello', 'sent hello', 'world', 'sent world']);
      yield* receiver;
    }));

  it('lets a sender and a receiver who waits take turns', () =>
    virtually(function* () {
      const channel = new Channel<string>();
      const events: string[] = [];
      const sender = spawn(function* () {
        events.push('sending hello');
        yield* channel.put('hello');
        events.push('sending world');
        yield* channel.put('world');
        events.push('sent world');
      });
      events.push('waiting');
      events.push(yield* channel.get());
      events.push(yield* channel.get());
      const alternating = ['waiting', 'sending hello', 'hello', 'sending world', 'world'];
      expect(events).toEqual(alternating);
      yield* sleep(0);
      expect(events).toEqual([...alternating, 'sent world']);
      yield* sender;
    }));

  it('is ended by shutdown(), which ends the loop of a receiver', () =>
    virtually(function* () {
      const channel = new Channel<number>();
      const sender = spawn(function* () {
        yield* channel.put(1);
        channel.shutdown();
      });
      const received: unknown[] = [];
      try {
        for (;;) received.push(yield* channel.get());
      } catch (error) {
        received.push((error as Error).constructor);
      }
      expect(received).toEqual([1, QueueShutDown]);
      yield* sender;
    }));
});

// One event that many wait for.
import { go, python } from '../harness/programs.mjs';
import { asyncs, effects, genlets } from './tasks.mjs';

const waiters = 1000;
const events = 100;

/** The bodies: `waiters` times the one that waits, then the one that sets. */
const crowd = (waiting, setting) => [...Array.from({ length: waiters }, () => waiting), setting];
const operations = waiters * events;

export default {
  title: 'An event that 1,000 wait for',
  about: `${events} events, one after the other; all wait for the next one before it is set.`,
  unit: 'ns per waiter',
  cases: {
    async genlet() {
      const { Event, sleep } = await import('../genlet.mjs');
      let all;
      const waiting = function* () {
        for (const event of all) yield* event.wait();
      };
      const setting = function* () {
        for (const event of all) {
          yield* sleep(0);
          event.set();
        }
      };
      const play = await genlets(...crowd(waiting, setting));
      const pass = () => {
        all = Array.from({ length: events }, () => new Event());
        return play();
      };
      return { operations, pass };
    },
    promises: () => {
      let all;
      const waiting = async () => {
        for (const event of all) await event.promise;
      };
      const setting = async () => {
        for (const event of all) {
          await undefined;
          event.set();
        }
      };
      const play = asyncs(...crowd(waiting, setting));
      const newEvent = () => {
        const event = {};
        event.promise = new Promise((resolve) => {
          event.set = resolve;
        });
        return event;
      };
      const pass = () => {
        all = Array.from({ length: events }, newEvent);
        return play();
      };
      return { operations, pass };
    },
    async 'Effect, Latch'() {
      const { Effect, Latch } = await import('effect');
      let all;
      const waiting = function* () {
        for (const latch of all) yield* latch.await;
      };
      const setting = function* () {
        for (const latch of all) {
          yield* Effect.yieldNow;
          yield* latch.open;
        }
      };
      const play = await effects(...crowd(waiting, setting));
      const pass = () => {
        all = Array.from({ length: events }, () => Latch.makeUnsafe());
        return play();
      };
      return { operations, pass };
    },
    gevent: python('sync/peers/sync.py', 'gevent_event', waiters, events),
    asyncio: python('sync/peers/sync.py', 'asyncio_event', waiters, events),
    'Go, closing a channel': go('sync/peers', 'event', waiters, events),
  },
};

// Two coroutines that hand a value straight to each other, past the ready queue.
import { go, python } from '../harness/programs.mjs';

const rounds = 50_000;
const operations = 2 * rounds; // there and back

/** A mailbox for one value: the nearest thing that async functions have. */
class Mailbox {
  #deliver;
  #mail;

  constructor() {
    this.#empty();
  }

  #empty() {
    this.#mail = new Promise((resolve) => {
      this.#deliver = resolve;
    });
  }

  put(value) {
    this.#deliver(value);
  }

  async take() {
    const value = await this.#mail;
    this.#empty();
    return value;
  }
}

export default {
  title: 'Direct switch, ping-pong',
  about: '`yield* other.switch(value)` of a RawGreenlet, to and fro.',
  unit: 'ns per hand-over',
  cases: {
    async genlet() {
      const { getcurrent, RawGreenlet, run } = await import('../genlet.mjs');
      function* pass() {
        const ping = getcurrent();
        const pong = new RawGreenlet(function* (value) {
          while (value < rounds) value = yield* ping.switch(value + 1);
        });
        for (let value = 0; value < rounds; ) value = yield* pong.switch(value);
      }
      return { operations, pass: () => run(pass) };
    },
    'async, mailbox of one': () => ({
      operations,
      async pass() {
        const there = new Mailbox();
        const back = new Mailbox();
        const pong = async () => {
          for (let round = 0; round < rounds; round++) back.put((await there.take()) + 1);
        };
        const ponged = pong();
        for (let value = 0; value < rounds; value = await back.take()) there.put(value);
        await ponged;
      },
    }),
    'greenlet.switch (Python)': python('kernel/peers/kernel.py', 'greenlet_switch', rounds),
    'gevent Channel': python('kernel/peers/kernel.py', 'gevent_channel', rounds / 10),
    'Go, unbuffered channel': go('kernel/peers', 'channel', rounds),
  },
  bars: [
    { against: 'Go, unbuffered channel', faster: 4 },
    { against: 'greenlet.switch (Python)', faster: 4 },
  ],
};

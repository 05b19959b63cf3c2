/** Channel. */
import { Channel, joinall, sleep, spawn } from 'genlet';
import { attempt, type Programs } from '../program.ts';

export const channels: Programs = {
  *a_channel_hands_over(log) {
    const channel = new Channel<string>();
    log(channel.qsize(), channel.empty(), channel.full(), channel.balance);
    const greenlet = spawn(function* () {
      for (const item of 'ab') {
        yield* channel.put(item);
        log('put', item);
      }
    });
    yield* sleep(0);
    log('balance', channel.balance);
    for (let i = 0; i < 2; i++) log('got', yield* channel.get());
    yield* greenlet.join();
    log('balance', channel.balance);
  },

  *a_channel_with_a_getter_that_waits(log) {
    const channel = new Channel<string>();
    const greenlet = spawn(function* () {
      for (let i = 0; i < 2; i++) log('got', yield* channel.get());
    });
    yield* sleep(0);
    log('balance', channel.balance);
    for (const item of 'ab') {
      yield* channel.put(item);
      log('put', item);
    }
    yield* greenlet.join();
  },

  *several_getters_and_putters_of_a_channel(log) {
    function* getter(name: string) {
      log(name, 'got', yield* channel.get());
    }

    function* putter(name: string) {
      yield* channel.put(name);
      log('put', name);
    }

    const channel = new Channel<string>();
    const getters = [...'xyz'].map((name) => spawn(getter, name));
    const putters = [...'abc'].map((name) => spawn(putter, name));
    yield* joinall([...getters, ...putters]);
  },

  *time_is_up_in_a_channel(log) {
    const channel = new Channel<string>();
    yield* attempt(log, 'get', () => channel.get({ timeout: 20 }));
    yield* attempt(log, 'put', () => channel.put('a', { timeout: 20 }));
    yield* attempt(log, 'get_nowait', () => channel.getNowait());
    yield* attempt(log, 'put_nowait', () => channel.putNowait('a'));
    log('balance', channel.balance);
  },

  *killed_getters_and_putters_of_a_channel(log) {
    function* getter(name: string) {
      log(name, 'got', yield* channel.get());
    }

    function* putter(name: string) {
      yield* channel.put(name);
      log('put', name);
    }

    const channel = new Channel<string>();
    const getters = [...'xy'].map((name) => spawn(getter, name));
    yield* sleep(0);
    yield* getters[0]!.kill();
    log('balance', channel.balance);
    yield* channel.put('item');
    yield* getters[1]!.join();
    const putters = [...'ab'].map((name) => spawn(putter, name));
    yield* sleep(0);
    yield* putters[0]!.kill();
    log('balance', channel.balance);
    log('main got', yield* channel.get());
    yield* putters[1]!.join();
  },

  *polls_of_a_channel(log) {
    const channel = new Channel<string>();
    const getter = spawn(() => channel.get());
    yield* sleep(0);
    yield* attempt(log, 'put_nowait', () => channel.putNowait('a'));
    log('got', yield* getter.get());
    const putter = spawn(function* () {
      yield* channel.put('b');
      log('put b');
    });
    yield* sleep(0);
    yield* attempt(log, 'get_nowait', () => channel.getNowait());
    yield* putter.join();
  },

  *a_channel_that_goes_through_three(log) {
    function* stage(source: Channel<string>, target: Channel<string>) {
      for (let i = 0; i < 3; i++) yield* target.put(`${yield* source.get()}!`);
    }

    const [one, two, three] = [new Channel<string>(), new Channel<string>(), new Channel<string>()];
    spawn(function* () {
      for (const item of 'abc') {
        yield* one.put(item);
        log('fed', item);
      }
    });
    spawn(stage, one, two);
    spawn(stage, two, three);
    for (let i = 0; i < 3; i++) log(yield* three.get());
  },
};

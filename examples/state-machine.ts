// A state machine: each state is a coroutine that stays for a while and gives the state that follows, by chance.
// Python: states as asyncio coroutines that await each other, with random.randint and asyncio.sleep.
import { type Coroutine, run, sleep } from 'genlet';
import { readOptions, wholeNumber } from './support/options.ts';

type State = () => Coroutine<State | undefined>;

const { seed } = readOptions({ seed: wholeNumber(1, { least: 1, most: 2_147_483_646 }) });

/** The same choices for the same seed: a Lehmer generator. */
let chance = seed;
function choose(...states: State[]): State {
  chance = (chance * 48_271) % 2_147_483_647;
  return states[chance % states.length]!;
}

function* start() {
  yield* sleep(100);
  return choose(idle, busy);
}

function* idle() {
  yield* sleep(300);
  return choose(start, busy);
}

function* busy() {
  yield* sleep(500);
  return choose(idle, tired);
}

function* tired() {
  yield* sleep(200);
  return choose(idle, end);
}

function* end(): Coroutine<undefined> {
  return undefined;
}

await run(function* () {
  for (let state: State | undefined = start; state; state = yield* state()) console.log(state.name);
});

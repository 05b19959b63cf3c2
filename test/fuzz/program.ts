/** A random program over all that coordinates, made and scheduled by its seed. */
import { getHub, killall, run, sleep, spawn } from 'genlet';
import { VirtualClock } from 'genlet/testing';
import { random } from '../support/random.ts';
import { act, isByDesign, type Program } from './actor.ts';
import { Violation, World } from './world.ts';

const ACTORS = 64;
/** Virtual milliseconds after which everybody is killed. */
const TIME = 12;

/** Runs the program of `seed` and checks all invariants; gives the number of its operations. */
export async function runProgram(seed: number, operationsEach = 4): Promise<number> {
  const choose = random(seed);
  const hub = getHub();
  hub.random = () => choose(2 ** 30) / 2 ** 30;
  const program: Program = { world: new World(), random: choose, actors: [], operations: 0, items: 0 };
  const surprises: unknown[] = [];
  hub.onError = (error) => {
    if (!isByDesign(error)) surprises.push(error);
  };
  await run(() => main(program, operationsEach), { clock: new VirtualClock() });
  if (surprises.length > 0) throw surprises[0];
  return program.operations;
}

function* main(program: Program, operationsEach: number) {
  const { actors, random, world } = program;
  for (let i = 0; i < ACTORS; i++) actors.push(spawn(act, program, 1 + random(2 * operationsEach)));
  yield* sleep(TIME);
  world.checkNobodyIsStuck();
  yield* killall(actors.filter((actor) => !actor.dead));
  for (const { exception } of actors) if (exception !== undefined && !isByDesign(exception)) throw exception;
  world.checkAtRest();
  const { alive, timers } = getHub().stats();
  if (alive !== 1 || timers !== 0) throw new Violation(`${alive - 1} greenlets and ${timers} timers are left`);
}

// What all tables need: to run some tasks at once and wait for them, in genlet and in its JavaScript peers. A body is what one
// task runs; an error in it ends the case.

/** For tasks that get 0, 1, 2, …: none may be lost, and none may overtake another. */
export function checkItem(item, expected) {
  if (item !== expected) throw new Error(`got item ${item} instead of ${expected}`);
}

/** For `pass`: a greenlet for each body. */
export async function genlets(...bodies) {
  const { run, spawn } = await import('../genlet.mjs');
  return () =>
    run(function* () {
      for (const task of bodies.map((body) => spawn(body))) yield* task;
    });
}

export function asyncs(...bodies) {
  return () => Promise.all(bodies.map((body) => body()));
}

/** The bodies are generator functions, for `Effect.gen`. */
export async function effects(...bodies) {
  const { Effect } = await import('effect');
  const tasks = bodies.map((body) => Effect.gen(body));
  const all = Effect.all(tasks, { concurrency: 'unbounded', discard: true });
  return () => Effect.runPromise(tasks.length === 1 ? tasks[0] : all);
}

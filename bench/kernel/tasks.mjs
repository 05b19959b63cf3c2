// What several tables need: to run many tasks at once, in genlet and in its JavaScript peers.

/** For `pass`: runs `greenlets` greenlets of `fn` and waits for all. */
export async function genletTasks(greenlets, fn) {
  const { joinall, run, spawn } = await import('../genlet.mjs');
  const each = Array.from({ length: greenlets });
  return () =>
    run(function* () {
      yield* joinall(each.map(() => spawn(fn)));
    });
}

export function asyncTasks(tasks, fn) {
  const each = Array.from({ length: tasks });
  return () => Promise.all(each.map(() => fn()));
}

/** `generator` is the body of one task; a single task is run without a list around it. */
export async function effectTasks(tasks, generator) {
  const { Effect } = await import('effect');
  const task = Effect.gen(generator);
  const all = Effect.all(
    Array.from({ length: tasks }, () => task),
    { concurrency: 'unbounded', discard: true },
  );
  return () => Effect.runPromise(tasks === 1 ? task : all);
}

export async function effectionTasks(tasks, generator) {
  const { run, spawn } = await import('effection');
  return () =>
    run(function* () {
      const started = [];
      for (let task = 0; task < tasks; task++) started.push(yield* spawn(generator));
      for (const task of started) yield* task;
    });
}

export async function sagaTasks(tasks, generator) {
  const { runSaga, stdChannel } = await import('redux-saga');
  const { fork } = await import('redux-saga/effects');
  const environment = { channel: stdChannel(), dispatch() {} };
  return () =>
    runSaga(environment, function* () {
      for (let task = 0; task < tasks; task++) yield fork(generator);
    }).toPromise();
}

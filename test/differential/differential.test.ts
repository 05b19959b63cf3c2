/** Small programs that run on gevent and on genlet: the order of all events must be the same. See README.md. */
import { beforeAll, describe, expect, it } from 'vitest';
import { virtually, watchHub } from '../support/hub.ts';
import { findPython, runPython } from './gevent.ts';
import { makeLog, type Programs } from './program.ts';
import { channels } from './programs/channels.ts';
import { events } from './programs/events.ts';
import { greenlets } from './programs/greenlets.ts';
import { groups } from './programs/groups.ts';
import { joins } from './programs/joins.ts';
import { kill } from './programs/kill.ts';
import { killers } from './programs/killers.ts';
import { links } from './programs/links.ts';
import { locks } from './programs/locks.ts';
import { pools } from './programs/pools.ts';
import { queueKinds } from './programs/queue-kinds.ts';
import { queues } from './programs/queues.ts';
import { raw } from './programs/raw.ts';
import { results } from './programs/results.ts';
import { timeouts } from './programs/timeouts.ts';

const programs: Programs = {
  ...greenlets,
  ...links,
  ...joins,
  ...kill,
  ...killers,
  ...timeouts,
  ...events,
  ...results,
  ...locks,
  ...queues,
  ...queueKinds,
  ...channels,
  ...groups,
  ...pools,
  ...raw,
};

const names = Object.keys(programs);

const python = findPython();
if (python === undefined) {
  console.warn('No python3 on the PATH has gevent, so nothing is compared with it: apt-get install python3-gevent');
}

const { takeReports } = watchHub();

describe.skipIf(python === undefined)('genlet, compared with gevent', () => {
  let expected: Record<string, string[]>;

  beforeAll(async () => {
    expected = await runPython(python!);
  }, 120_000);

  it('has a counterpart of each program in Python', () => {
    expect([...names].sort()).toEqual(Object.keys(expected).sort());
  });

  it.each(names)('has the same events in the same order: %s', async (name) => {
    const { log, events } = makeLog();
    await virtually(() => programs[name]!(log));
    await takeReports(); // failures that a program does not take are no matter here
    expect(events).toEqual(expected[name]);
  });
});

/** vitest, started by its API on the project beside this, in threads and in processes of its own. */
import { fileURLToPath } from 'node:url';
import { startVitest } from 'vitest/node';

export default function* ({ say, wait }) {
  const root = fileURLToPath(new URL('vitest', import.meta.url));
  for (const pool of ['threads', 'forks']) {
    const lines = [];
    const reporter = {
      onTestRunEnd(modules, unhandled, reason) {
        for (const module of modules) {
          for (const error of module.errors()) lines.push(`${module.relativeModuleId}: ${error.message}`);
          for (const test of module.children.allTests()) {
            const { state, errors = [] } = test.result();
            const messages = errors.map(({ message, diff }) => [message, diff].filter(Boolean).join('\n'));
            lines.push([module.relativeModuleId, test.fullName, state, ...messages].join(': '));
          }
        }
        for (const error of unhandled) lines.push(`unhandled: ${error.message}`);
        lines.push(reason);
      },
    };
    const options = {
      root,
      config: false,
      watch: false,
      pool,
      maxWorkers: 2,
      include: ['*.spec.mjs'],
      reporters: [reporter],
    };
    const vitest = yield* wait(startVitest('test', [], options));
    yield* wait(vitest.close());
    say(pool, lines.length);
    for (const line of lines.sort()) say(line);
  }
  process.exitCode = 0; // some are to fail
}

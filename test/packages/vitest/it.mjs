/** `it`, whose bodies begin in a greenlet if GREENLETS says so. */
import { it as plain } from 'vitest';

export const it = process.env.GREENLETS === '1' ? await insideGreenlets() : plain;

async function insideGreenlets() {
  const { run } = await import('genlet');
  return (name, body, options) =>
    plain(
      name,
      (context) =>
        run(function* () {
          const result = body(context);
          return result instanceof Promise ? yield* result : result;
        }),
      options,
    );
}

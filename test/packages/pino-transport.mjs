/** A transport of pino, which runs in a thread of its own. */
import { appendFile } from 'node:fs/promises';
import { createRequire } from 'node:module';

const build = createRequire(createRequire(import.meta.url).resolve('pino'))('pino-abstract-transport');

export default function ({ file, mark }) {
  let done;
  const write = async (source) => {
    for await (const { level, msg } of source) await appendFile(file, `${mark} ${level} ${msg}\n`);
  };
  return build(
    (source) => {
      done = write(source);
    },
    { close: () => done },
  );
}

/** Header fields that carry secrets are shown without them, in logs and by `console.log`. */

const SECRET =
  /^(?:(?:proxy-)?authorization|(?:set-)?cookie2?|.*(?:api-?key|token|secret|password|signature|session).*)$/i;

/** Stands for a value that is not shown. */
const MASK = '***';

/** A copy of header fields in which secrets are masked. @internal */
export function maskSecrets<T>(fields: Readonly<Record<string, T>>): Record<string, T | string> {
  const masked: Record<string, T | string> = {};
  for (const [name, value] of Object.entries(fields)) masked[name] = SECRET.test(name) ? MASK : value;
  return masked;
}

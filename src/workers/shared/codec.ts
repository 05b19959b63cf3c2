/**
 * Items of a shared queue as bytes: what `v8.serialize` makes of them, and for small plain data, which most items are, a
 * tag and JSON, which takes a third of the time and comes out the same.
 */
import { deserialize, serialize } from 'node:v8';
import { addInside, objection, refusal } from '../uncloneable.ts';

/** V8's own format begins with 255. */
const JSON_TEXT = 1;
/** How many values are looked at before V8's way is quicker. */
const MOST_VALUES = 48;

let left = 0;
const seen: object[] = [];

/** Whether JSON keeps all of it: no cycles, nothing that appears twice, no holes, no properties of other kinds. */
function isPlain(value: unknown): boolean {
  if (--left < 0) return false;
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return true;
    case 'number':
      return Number.isFinite(value) && !Object.is(value, -0);
    case 'object':
      return value === null || isPlainObject(value);
    default:
      return false;
  }
}

function isPlainObject(value: object): boolean {
  if (seen.includes(value)) return false;
  seen.push(value);
  const keys = Object.keys(value);
  if (Array.isArray(value)) {
    if (keys.length !== value.length || Object.getPrototypeOf(value) !== Array.prototype) return false;
    for (let index = 0; index < value.length; index++) if (!isPlain(value[index])) return false;
    return true;
  }
  if (Object.getPrototypeOf(value) !== Object.prototype || 'toJSON' in value) return false;
  for (const key of keys) if (!isPlain((value as Record<string, unknown>)[key])) return false;
  return true;
}

/**
 * @throws {UncloneableError} something in it can't be copied
 * @internal
 */
export function encode(value: unknown): Uint8Array {
  left = MOST_VALUES;
  const plain = isPlain(value);
  seen.length = 0;
  if (!plain) return serializeData(value);
  const text = JSON.stringify(value);
  const bytes = Buffer.allocUnsafe(1 + text.length * 3); // no character of UTF-16 takes more
  bytes[0] = JSON_TEXT;
  return bytes.subarray(0, 1 + bytes.write(text, 1));
}

function serializeData(item: unknown): Uint8Array {
  const seen = new Set<object>();
  const left: object[] = [];
  addInside(left, [item]);
  for (let value = left.pop(); value !== undefined; value = left.pop()) {
    if (seen.has(value)) continue;
    seen.add(value);
    if (objection(value, 'shared queue') !== undefined) throw refusal('shared queue', 'item', item);
    addInside(left, value);
  }
  try {
    return serialize(item);
  } catch (cause) {
    throw refusal('shared queue', 'item', item, cause);
  }
}

/** @internal */
export function decode(bytes: Buffer): any {
  return bytes[0] === JSON_TEXT ? JSON.parse(bytes.toString('utf8', 1)) : deserialize(bytes);
}

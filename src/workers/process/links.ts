/**
 * The open links of this process: to its parent, and to its children.
 *
 * None of them keeps the process alive by itself. While somebody waits for something that comes through links, all do:
 * which it is that it will come through, nobody can tell.
 */
import { hub } from '../../core/hub.ts';
import { BusyPoll } from '../busy-poll.ts';

interface Holdable {
  ref(): void;
  unref(): void;
}

const open = new Set<Holdable>();
const busyPoll = new BusyPoll();
/** Those who wait, and how many of them the hub counts. */
let waiting = 0;
let counted = 0;

/** @internal */
export function addLink(link: Holdable): void {
  open.add(link);
  if (waiting > 0) link.ref();
  else link.unref();
  count();
}

/** @internal */
export function removeLink(link: Holdable): void {
  open.delete(link);
  count();
}

/** One more waits (1), or one less (-1). @internal */
export function holdLinks(by: 1 | -1): void {
  const before = waiting;
  waiting += by;
  if (before === 0) for (const link of open) link.ref();
  else if (waiting === 0) for (const link of open) link.unref();
  if (by < 0) busyPoll.end();
  else if (open.size > 0) busyPoll.begin();
  count();
}

function count(): void {
  const outside = open.size > 0 ? waiting : 0;
  hub.outside += outside - counted;
  counted = outside;
}

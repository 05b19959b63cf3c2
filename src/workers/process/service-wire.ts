/** What a service and those who ask it from other processes say to each other: a head, and the bytes of an item or error. */
import type { Frame } from './frame.ts';

/** An answer that is a value of the user's, which only who gets it decodes. @internal */
export class Item {
  readonly frame: Frame;
  constructor(frame: Frame) {
    this.frame = frame;
  }
}

/** How many bytes may be on their way to the service before a `push` waits. @internal */
export const WINDOW = 1024 * 1024;

/** @internal */
export const ASK_LENGTH = 14;
/** @internal */
export const ANSWER_LENGTH = 14;
/** @internal */
export const Op = { CALL: 0, CANCEL: 1, TAKEN: 2, RETURN: 3, ATTACH: 4, PUSH: 5 } as const;
/** @internal */
export const Answer = { VALUE: 0, TRUE: 1, FALSE: 2, NUMBER: 3, ITEM: 4, ERROR: 5 } as const;

/** @internal */
export function message(kind: number, id: number, method = 0, number: number = Number.NaN): Buffer {
  const head = Buffer.allocUnsafe(ASK_LENGTH);
  head.writeUInt8(kind, 0);
  head.writeUInt32LE(id, 1);
  head.writeUInt8(method, 5);
  head.writeDoubleLE(number, 6);
  return head;
}

/** @internal */
export function answerOf(head: Buffer, body: Frame): unknown {
  switch (head[0]) {
    case Answer.TRUE:
      return true;
    case Answer.FALSE:
      return false;
    case Answer.NUMBER:
      return head.readDoubleLE(6);
    case Answer.ITEM:
      return new Item(body);
    default:
      return undefined;
  }
}

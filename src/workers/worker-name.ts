/** The name of this thread, where it is a worker's. */
let name: string | undefined;

/** Said once, by the first file of the thread. @internal */
export function setThreadName(given: string): void {
  name = given;
}

/** `undefined` in the first thread of a process. @internal */
export function threadName(): string | undefined {
  return name;
}

/** Where listeners may be: by default in a folder of their own that nobody else can enter. */
import { randomUUID } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Address, type Endpoint, parseAddress } from '../../io/address.ts';

/** Folders that are gone at the latest when the process ends. */
const folders = new Set<string>();

function removeFolders(): void {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  folders.clear();
}

/** The place of a listener. @internal */
export class Place {
  readonly endpoint: Endpoint;
  readonly #folder: string | undefined;

  constructor(address: Address | undefined) {
    if (address !== undefined) this.endpoint = parseAddress(address);
    else if (process.platform === 'win32')
      this.endpoint = parseAddress({ path: `\\\\.\\pipe\\genlet-${randomUUID()}` });
    else {
      this.#folder = mkdtempSync(join(tmpdir(), 'genlet-')); // 0700
      if (folders.size === 0) process.once('exit', removeFolders);
      folders.add(this.#folder);
      this.endpoint = parseAddress({ path: join(this.#folder, 'socket') });
    }
  }

  /** Somebody listens there now: only this user may connect. An abstract socket of Linux is no file, and has no mode. */
  protect(): void {
    const { path } = this.endpoint;
    if (path === undefined || path.startsWith('\0') || process.platform === 'win32') return;
    chmodSync(path, 0o600);
  }

  /** Nobody listens there any more. */
  remove(): void {
    if (this.#folder === undefined || !folders.delete(this.#folder)) return;
    if (folders.size === 0) process.off('exit', removeFolders);
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/**
 * A handshake tells who is at the other end, and protects nothing that is sent after it.
 *
 * @throws {TypeError} what is sent to or from there could be read and changed on the way
 * @internal
 */
export function checkSecrecy(endpoint: Endpoint, isProtected: boolean): void {
  if (isProtected || endpoint.path !== undefined || isThisMachine(endpoint.host)) return;
  const host = endpoint.host === '' ? 'all interfaces' : endpoint.host;
  throw new TypeError(
    `address ${endpoint} reaches beyond this machine (${host}), where others can read and change what is sent: ` +
      "give `encrypt: true` or `tls`, or an address such as '127.0.0.1:0'",
  );
}

function isThisMachine(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^(?:::ffff:)?127(?:\.\d{1,3}){3}$/i.test(host);
}

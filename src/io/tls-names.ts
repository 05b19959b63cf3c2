/** Which certificate a server shows: chosen by the name that the client asks for (SNI). */
import { createSecureContext, type SecureContext, type SecureContextOptions } from 'node:tls';
import { show } from '../core/check.ts';
import type { TlsServerOptions } from './tls-options.ts';

/** The certificates of a server by their names. @internal */
export class Names {
  readonly #trusted: SecureContextOptions;
  readonly #contexts: ReadonlyMap<string, SecureContext>;

  constructor(options: TlsServerOptions) {
    this.#trusted = { ca: options.ca, crl: options.crl };
    const entries = Object.entries(options.contexts ?? {});
    this.#contexts = new Map(
      entries.map(([name, context]) => [name.toLowerCase(), this.context(context, `contexts['${name}']`)]),
    );
  }

  get size(): number {
    return this.#contexts.size;
  }

  find(servername: string): SecureContext | undefined {
    const name = servername.toLowerCase();
    return this.#contexts.get(name) ?? this.#contexts.get(name.replace(/^[^.]+/, '*'));
  }

  /** A context of Node, or one that is made of options. Clients' certificates are judged by it, too, if they are asked for. */
  context(given: unknown, name: string): SecureContext {
    if (typeof given !== 'object' || given === null) {
      throw new TypeError(`${name} is ${show(given)}: give { cert, key }, or what createSecureContext() made`);
    }
    return 'context' in given ? (given as SecureContext) : createSecureContext({ ...this.#trusted, ...given });
  }
}

/** A request whose answer is read as a whole. */
import { Exchange } from './http-exchange.ts';
import type { HeaderRecord } from './http-headers.ts';
import { ClientResponse } from './http-response.ts';

/** @internal */
export class RequestCall extends Exchange<ClientResponse> {
  #status = 0;
  #statusText = '';
  #headers: HeaderRecord | undefined = undefined;
  #first: Buffer | undefined = undefined;
  #rest: Buffer[] | undefined = undefined;

  protected head(status: number, statusText: string, headers: HeaderRecord): void {
    this.#status = status;
    this.#statusText = statusText;
    this.#headers = headers;
  }

  protected data(chunk: Buffer): void {
    if (this.#first === undefined) this.#first = chunk;
    else if (this.#rest === undefined) this.#rest = [chunk];
    else this.#rest.push(chunk);
  }

  protected end(trailers: HeaderRecord): void {
    this.succeed(
      new ClientResponse(this, this.#status, this.#statusText, this.#headers!, this.#first, this.#rest, trailers),
    );
  }

  protected lost(_error: Error): void {}

  protected get limit(): number | undefined {
    return this.plan.timeout;
  }

  protected get call(): string {
    return 'request';
  }
}

// A web proxy: asked for /http://host/path it gives that page, with links through itself. What fails is a 502.
// Python: gevent's webproxy.py, a WSGI application with urllib.request, patched by gevent.monkey.
import { isExit, run, Timeout, withTimeout } from 'genlet';
import { HttpError, type HttpRequest, type HttpResponse, HttpServer, http, pipe } from 'genlet/io';
import { rewriteLinks } from './support/html.ts';
import { address, readOptions, wholeNumber } from './support/options.ts';

const { listen, timeout } = readOptions({ listen: address('127.0.0.1:0'), timeout: wholeNumber(10_000, { least: 1 }) });

const HTML = 'text/html; charset=utf-8';
const form = `<!doctype html><title>Proxy</title>
<form><input name="url" size="50" placeholder="http://example.com/" autofocus> <button>Go</button></form>\n`;

/** `/http://host/path?query`, or what was typed into the form. */
function targetOf({ url, path, query }: HttpRequest): URL | undefined {
  const given = path === '/' ? (query.get('url') ?? '') : url.slice(1);
  if (given === '') return undefined;
  const target = /^https?:\/\//.test(given) ? given : `http://${given}`;
  if (!URL.canParse(target)) throw new HttpError(400, `${target} is no address\n`);
  return new URL(target);
}

function* pass(target: URL, response: HttpResponse) {
  using answer = yield* withTimeout(timeout, () => http.stream(target)); // the body may take as long as it likes
  const type = String(answer.headers['content-type'] ?? 'application/octet-stream');
  const isPage = type.startsWith('text/html');
  const page = isPage ? rewriteLinks(yield* answer.text(), answer.url, (link) => `/${link.href}`) : undefined;
  response.status = answer.status;
  response.headers.set('Content-Type', isPage ? HTML : type);
  if (page === undefined) yield* pipe(answer.body, response); // as it comes, and no faster than it is taken
  return page;
}

function* handle(request: HttpRequest, response: HttpResponse) {
  if (request.method !== 'GET') throw new HttpError(405);
  const target = targetOf(request);
  if (target === undefined) {
    response.headers.set('Content-Type', HTML);
    return form;
  }
  try {
    return yield* pass(target, response); // a client that leaves has this killed, and the request given up
  } catch (error) {
    if (isExit(error) || response.headersSent) throw error;
    const reason = error instanceof Timeout ? `no answer within ${timeout} ms` : (error as Error).message;
    console.log(`502 for ${target.href}: ${reason}`);
    response.status = 502;
    return `${target.href}: ${reason}\n`;
  }
}

await run(
  function* () {
    const server = new HttpServer(listen, handle);
    yield* server.start();
    console.log(`proxy at http://${server.address}/`);
    yield* server.serveForever(); // until Ctrl-C kills it
  },
  { signals: true },
);

// A web server, with --tls for HTTPS (by --cert and --key, or what openssl makes). Ctrl-C lets answers finish.
// Python: gevent's wsgiserver.py and wsgiserver_ssl.py, with gevent.pywsgi.WSGIServer.
import { run } from 'genlet';
import { formatAccessLog, HttpError, type HttpRequest, type HttpResponse, HttpServer } from 'genlet/io';
import { readCertificate, tlsOptions } from './support/certificate.ts';
import { escapeHtml } from './support/html.ts';
import { address, readOptions } from './support/options.ts';

const options = readOptions({ listen: address('127.0.0.1:0'), ...tlsOptions });

/** What a handler returns is the answer: text, bytes, an object for JSON, or pieces of text that come in time. */
function* handle(request: HttpRequest, response: HttpResponse) {
  switch (request.path) {
    case '/':
      response.headers.set('Content-Type', 'text/html; charset=utf-8');
      return `<!doctype html><title>genlet</title><h1>Hello ${escapeHtml(request.query.get('name') ?? 'world')}!</h1>\n`;
    case '/sum':
      return { sum: (yield* request.json<number[]>()).reduce((sum, n) => sum + n, 0) };
    default:
      throw new HttpError(404, `there is no ${request.path}\n`);
  }
}

await run(
  function* () {
    const tls = yield* readCertificate(options);
    const server = new HttpServer(options.listen, handle, {
      tls,
      accessLog: (entry) => console.log(formatAccessLog(entry, 'common')),
    });
    yield* server.start();
    console.log(`serving ${tls ? 'https' : 'http'}://${server.address}/`);
    yield* server.serveForever(); // until Ctrl-C kills it
  },
  { signals: true },
);

// A chat page by long polling: whoever waits for messages holds up nobody, and all of them are woken by one Event.
// Python: gevent's webchat, whose one gevent.event.Event is a broadcast by set() and clear().
import { Event, run } from 'genlet';
import { HttpError, type HttpRequest, type HttpResponse, HttpServer } from 'genlet/io';
import { address, readOptions, wholeNumber } from './support/options.ts';

const { listen, patience } = readOptions({
  listen: address('127.0.0.1:0'),
  patience: wholeNumber(25_000), // how long a request waits for news: proxies cut off what is silent for longer
});

interface Message {
  readonly id: number;
  readonly name: string;
  readonly text: string;
}

const KEPT = 200;
const page = new URL('./support/chat.html', import.meta.url);

const messages: Message[] = [];
const news = new Event();
let lastId = 0;

function post(given: unknown) {
  const { name, text } = Object(given) as Partial<Message>;
  const isMessage = typeof name === 'string' && typeof text === 'string' && text !== '';
  if (!isMessage) throw new HttpError(400, 'give name and text');
  const message = { id: ++lastId, name, text };
  messages.push(message);
  if (messages.length > KEPT) messages.shift();
  news.set(); // wakes all who wait now ...
  news.clear(); // ... and nobody who comes later
  return message;
}

/** The messages behind the one with the number `after`, as soon as there are any. */
function* poll(after: number) {
  const known = after <= lastId ? after : 0; // this server has begun anew since then
  if (known === lastId) yield* news.wait(patience);
  return messages.filter(({ id }) => id > known);
}

function* handle(request: HttpRequest, response: HttpResponse) {
  switch (`${request.method} ${request.path}`) {
    case 'GET /':
      response.headers.set('Content-Type', 'text/html; charset=utf-8');
      yield* response.sendFile(page);
      return;
    case 'GET /messages':
      return { messages: yield* poll(Number(request.query.get('after')) || 0) };
    case 'POST /messages':
      return post(yield* request.json({ limit: 10_000 }));
    default:
      throw new HttpError(404);
  }
}

await run(
  function* () {
    const server = new HttpServer(listen, handle);
    yield* server.start();
    console.log(`chat at http://${server.address}/`);
    yield* server.serveForever(); // until Ctrl-C kills it
  },
  { signals: true },
);

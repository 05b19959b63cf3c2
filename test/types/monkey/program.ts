/**
 * A program that uses plain modules of Node in blocking style. The compiler checks it, also against the types of other
 * versions of Node (see test/types/monkey.test.ts); it is never run.
 */
import 'genlet/monkey';
import type childProcess from 'node:child_process';
import { exec, execFile, fork, spawn } from 'node:child_process';
import crypto from 'node:crypto';
import dgram from 'node:dgram';
import dns, { lookup, Resolver } from 'node:dns';
import { once } from 'node:events';
import fs, { readFile } from 'node:fs';
import * as promises from 'node:fs/promises';
import http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import readline from 'node:readline';
import stream, { finished } from 'node:stream';
import { setTimeout as later } from 'node:timers';
import tls from 'node:tls';
import util from 'node:util';
import zlib from 'node:zlib';
import { type Coroutine, type Operation, run, spawn as start, until, withTimeout } from 'genlet';

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
/** `is<string>()(value, true)` compiles if the type of the value is `string`, and nothing else. */
declare function is<B>(): <A>(value: A, same: Equal<A, B>) => void;
declare function same<A, B>(equal: Equal<A, B>): void;
type Bytes = ReturnType<typeof Buffer.alloc>;
type Failure = NodeJS.ErrnoException | null;
declare const path: string;
declare const bytes: Bytes;

export function* files(): Coroutine<number> {
  is<string>()(yield* fs.readFile(path, 'utf8'), true);
  is<string>()(yield* readFile(path, { encoding: 'utf8', signal: new AbortController().signal }), true);
  is<Bytes>()(yield* fs.readFile(path), true);
  is<Bytes>()(yield* fs.readFile(path, null), true);
  is<string>()(yield* fs.readFile(path, 'utf8').get({ timeout: 5 }), true);
  is<string | Bytes>()(yield* fs.readFile(path, 'utf8' as BufferEncoding | null), true);
  is<void>()(yield* fs.writeFile(path, 'text', { flag: 'a' }), true);
  is<void>()(yield* fs.appendFile(path, bytes), true);
  is<fs.Stats>()(yield* fs.stat(path), true);
  is<fs.BigIntStats>()(yield* fs.stat(path, { bigint: true }), true);
  is<fs.Stats>()(yield* fs.lstat(path), true);
  is<fs.BigIntStats>()(yield* fs.fstat(5, { bigint: true }), true);
  is<number>()(yield* fs.open(path, 'r+'), true);
  is<number>()(yield* fs.open(path), true);
  is<void>()(yield* fs.close(5), true);
  is<string[]>()(yield* fs.readdir(path), true);
  is<Bytes[]>()(yield* fs.readdir(path, 'buffer'), true);
  is<fs.Dirent[]>()(yield* fs.readdir(path, { withFileTypes: true }), true);
  is<fs.Dirent<Bytes>[]>()(yield* fs.readdir(path, { withFileTypes: true, encoding: 'buffer' }), true);
  is<void>()(yield* fs.mkdir(path), true);
  is<string | undefined>()(yield* fs.mkdir(path, { recursive: true }), true);
  is<string>()(yield* fs.mkdtemp('x'), true);
  is<fs.Dir>()(yield* fs.opendir('x'), true);
  is<boolean>()(yield* fs.exists(path), true);
  is<string>()(yield* fs.realpath(path), true);
  is<string>()(yield* fs.realpath.native(path), true);
  is<Bytes>()(yield* fs.readlink(path, 'buffer'), true);
  is<{ bytesRead: number; buffer: Uint8Array<ArrayBuffer> }>()(yield* fs.read(5, new Uint8Array(5)), true);
  is<{ bytesRead: number; buffer: Bytes }>()(yield* fs.read(5), true);
  is<{ bytesWritten: number; buffer: string }>()(yield* fs.write(5, 'text'), true);
  is<{ bytesWritten: number; buffer: Bytes }>()(yield* fs.write(5, bytes, 0, 5), true);
  is<{ bytesWritten: number; buffers: Bytes[] }>()(yield* fs.writev(5, [bytes]), true);
  is<void>()(yield* fs.rm(path, { recursive: true }), true);
  is<void>()(yield* fs.cp('a', 'b'), true);
  is<void>()(yield* fs.truncate('a', 5), true);
  // @ts-expect-error yield* is missing
  const text: string = fs.readFile(path, 'utf8');
  // @ts-expect-error no path
  fs.readFile(5n);
  // @ts-expect-error no such encoding
  fs.readFile(path, { encoding: 'utf-9' });
  // @ts-expect-error no path
  fs.stat();
  return text.length + (yield* fs.statfs(path)).bsize;
}

export function* names(): Coroutine<void> {
  is<{ address: string; family: number }>()(yield* dns.lookup('localhost'), true);
  is<{ address: string; family: number }>()(yield* lookup('localhost', 4), true);
  is<dns.LookupAddress[]>()(yield* lookup('localhost', { all: true }), true);
  is<dns.LookupAddress | dns.LookupAddress[]>()(yield* lookup('localhost', { all: path === '' }), true);
  is<{ hostname: string; service: string }>()(yield* dns.lookupService('127.0.0.1', 80), true);
  is<string[]>()(yield* dns.resolve('localhost'), true);
  is<string[]>()(yield* dns.resolve('localhost', 'AAAA'), true);
  is<dns.MxRecord[]>()(yield* dns.resolve('localhost', 'MX'), true);
  is<dns.RecordWithTtl[]>()(yield* dns.resolve4('localhost', { ttl: true }), true);
  is<dns.SoaRecord>()(yield* dns.resolveSoa('localhost'), true);
  const resolver = new Resolver();
  is<string[]>()(yield* resolver.resolve4('localhost'), true);
  is<dns.SrvRecord[]>()(yield* resolver.resolve('localhost', 'SRV'), true);
  is<string[]>()(yield* resolver.reverse('127.0.0.1'), true);
  // @ts-expect-error yield* is missing
  lookup('localhost').address;
  // @ts-expect-error no name
  lookup(5);
}

export function* packing(): Coroutine<void> {
  is<Bytes>()(yield* zlib.gzip('text'), true);
  is<Bytes>()(yield* zlib.gunzip(bytes, { maxOutputLength: 5 }), true);
  is<Bytes>()(yield* zlib.brotliCompress(bytes), true);
  const gzip = zlib.createGzip();
  is<void>()(yield* gzip.flush(), true);
  is<void>()(yield* zlib.createDeflate().params(1, 0), true);
  is<void>()(yield* gzip.close(), true);
  // @ts-expect-error no data
  zlib.gzip(5);
  // @ts-expect-error yield* is missing
  zlib.gzip('text').length;
}

export function* secrets(): Coroutine<void> {
  is<Bytes>()(yield* crypto.pbkdf2('password', 'salt', 1, 20, 'sha1'), true);
  is<Bytes>()(yield* crypto.scrypt('password', 'salt', 20), true);
  is<Bytes>()(yield* crypto.scrypt('password', 'salt', 20, { N: 1024 }), true);
  is<ArrayBuffer>()(yield* crypto.hkdf('sha1', 'key', 'salt', '', 20), true);
  is<Bytes>()(yield* crypto.randomFill(bytes), true);
  is<crypto.KeyObject>()(yield* crypto.generateKey('hmac', { length: 64 }), true);
  is<bigint>()(yield* crypto.generatePrime(16, { bigint: true }), true);
  is<boolean>()(yield* crypto.checkPrime(7n), true);
  is<{ publicKey: crypto.KeyObject; privateKey: crypto.KeyObject }>()(
    yield* crypto.generateKeyPair('rsa', { modulusLength: 2048 }),
    true,
  );
  is<{ publicKey: crypto.KeyObject; privateKey: crypto.KeyObject }>()(yield* crypto.generateKeyPair('ed25519'), true);
  const encoded = yield* crypto.generateKeyPair('ec', {
    namedCurve: 'P-256',
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'der' },
  });
  is<{ publicKey: string; privateKey: Bytes }>()(encoded, true);
  // What works at once without a callback goes on to do so.
  is<Bytes>()(crypto.randomBytes(5), true);
  is<number>()(crypto.randomInt(5), true);
  // @ts-expect-error no length
  crypto.generateKeyPair('rsa', {});
  // @ts-expect-error no such key
  crypto.generateKeyPair('rot13', {});
  // @ts-expect-error the digest is missing
  crypto.pbkdf2('password', 'salt', 1, 20);
}

export function* waiting(): Coroutine<void> {
  is<void>()(yield* setTimeout(1000), true);
  is<void>()(yield* later(1000), true);
  is<void>()(yield* setImmediate(), true);
  is<string>()(yield* setTimeout(1000, 'late'), true);
  is<string>()(yield* setImmediate('soon'), true);
  is<IteratorResult<number, undefined>>()(yield* setInterval(1000).next(), true);
  is<boolean>()(setTimeout(1000).cancel(), true);
  is<NodeJS.Timeout>()(
    setTimeout(() => {}, 5),
    true,
  );
  is<NodeJS.Timeout>()(
    setTimeout((text: string, n: number) => text.length + n, 5, 'text', 5),
    true,
  );
  is<NodeJS.Immediate>()(
    setImmediate(() => {}),
    true,
  );
  new Promise<void>((resolve) => setTimeout(resolve, 5)).catch(() => {});
  clearTimeout(later(() => {}, 5));
  clearInterval(setInterval(() => {}, 5));
  // @ts-expect-error no number
  setTimeout('1000');
  // @ts-expect-error yield* is missing
  setTimeout(1000).unref();
}

export function* processes(): Coroutine<void> {
  is<{ stdout: string; stderr: string }>()(yield* exec('true'), true);
  is<{ stdout: Bytes; stderr: Bytes }>()(yield* exec('true', { encoding: 'buffer' }), true);
  is<{ stdout: string; stderr: string }>()(yield* execFile('true', ['text'], { encoding: 'utf8' }), true);
  const end = yield* spawn('true', ['text'], { stdio: 'inherit' });
  is<number | null>()(end.code, true);
  is<NodeJS.Signals | null>()(end.signal, true);
  is<number | null>()((yield* fork('child.js')).code, true);
  const child: childProcess.ChildProcess = exec('true');
  is<number | null>()((yield* child).code, true);
  is<number | undefined>()(exec('true').pid, true);
  is<childProcess.ChildProcessWithoutNullStreams>()(spawn('true'), true);
  // @ts-expect-error yield* is missing
  exec('true').stdout.length;
  // @ts-expect-error no command
  exec(5);
}

export function* sockets(): Coroutine<void> {
  const server = yield* net.createServer().listen(0);
  is<net.Server>()(server, true);
  is<net.Socket>()(yield* server.accept({ timeout: 5 }), true);
  is<number>()(yield* server.getConnections(), true);
  const socket = yield* net.connect(80);
  is<net.Socket>()(socket, true);
  is<Buffer>()(yield* socket.recv(), true);
  is<Buffer>()(yield* socket.recvExactly(5, { timeout: 5 }), true);
  is<Buffer>()(yield* socket.readUntil('\n', { limit: 5 }), true);
  is<string | undefined>()(yield* socket.readline(), true);
  is<number>()(yield* socket.send('text'), true);
  is<void>()(yield* socket.sendall(bytes), true);
  is<number>()(yield* socket.recvInto(bytes), true);
  is<number>()(yield* socket.sendFile(path, { offset: 5 }), true);
  is<boolean>()(socket.write('text'), true);
  is<tls.TLSSocket>()(yield* tls.connect(443, 'localhost'), true);
  is<tls.TLSSocket>()(yield* (yield* tls.createServer({}).listen(0)).accept(), true);
  is<tls.TLSSocket>()(yield* https.createServer({}).accept(), true);
  is<net.Socket>()(yield* http.createServer().accept(), true);
  const datagrams = yield* dgram.createSocket('udp4').bind(0);
  is<dgram.Socket>()(datagrams, true);
  is<number>()(yield* datagrams.send('text', 9, 'localhost'), true);
  is<number>()(yield* datagrams.send(bytes, 0, 5, 9, 'localhost'), true);
  is<void>()(yield* datagrams.connect(9, 'localhost'), true);
  // @ts-expect-error no number
  socket.recv('5');
  // @ts-expect-error yield* is missing
  socket.recv().length;
}

export function* web(): Coroutine<void> {
  const response = yield* http.get('http://localhost/');
  is<http.IncomingMessage>()(response, true);
  is<http.IncomingMessage>()(yield* https.request('https://localhost/'), true);
  is<http.Server>()(yield* http.createServer().listen(0), true);
  is<https.Server>()(yield* https.createServer({}).listen(0), true);
  is<unknown>()(yield* response, true);
  const reply = yield* fetch('http://localhost/');
  is<string>()(yield* reply.text(), true);
  // @ts-expect-error yield* is missing
  http.get('http://localhost/').statusCode;
}

export function* streams(): Coroutine<void> {
  const lines = readline.createInterface(process.stdin);
  is<string>()(yield* lines.question('name? '), true);
  is<string>()(yield* lines.question('name? ', { signal: new AbortController().signal }), true);
  const [source, target] = [fs.createReadStream(path), fs.createWriteStream(path)];
  is<void>()(yield* finished(source), true);
  is<void>()(yield* stream.finished(target, { readable: false }), true);
  is<void>()(yield* stream.pipeline(source, target), true);
  is<void>()(yield* stream.pipeline(source, zlib.createGzip(), target), true);
  is<void>()(yield* stream.pipeline(['a', 'b'], zlib.createGzip(), new stream.PassThrough(), target), true);
  is<void>()(yield* stream.pipeline([source, target]), true);
  is<unknown>()(yield* source, true);
  is<unknown>()(yield* target.end(), true);
  // @ts-expect-error the last function would be the callback
  yield* stream.pipeline(source, async () => {});
  // @ts-expect-error no stream
  finished(5);
}

export function* awaiting(): Coroutine<void> {
  is<string>()(yield* promises.readFile(path, 'utf8'), true);
  is<[string, number]>()(yield* Promise.all([promises.readFile(path, 'utf8'), Promise.resolve(5)]), true);
  is<{ stdout: string; stderr: string }>()(yield* util.promisify(exec)('true'), true);
  is<any[]>()(yield* once(process, 'exit'), true);
  is<string>()(yield* until(promises.readFile(path, 'utf8')), true);
  is<fs.Dirent | null>()(yield* (yield* fs.opendir(path)).read(), true);
  is<string>()(yield* withTimeout(5, () => fs.readFile(path, 'utf8')), true);
  // @ts-expect-error yield* is missing
  Promise.resolve('text').length;
}

/** All that is no greenlet is as it was. */
export async function callbacks(): Promise<void> {
  readFile(path, (error, data) => {
    is<Failure>()(error, true);
    is<Bytes>()(data, true);
  });
  readFile(path, 'utf8', (_, text) => is<string>()(text, true));
  readFile(path, { encoding: 'utf8' }, (_, text) => is<string>()(text, true));
  readFile(path, {}, (_, data) => is<Bytes>()(data, true));
  fs.stat(path, (_, stats) => is<fs.Stats>()(stats, true));
  fs.stat(path, { bigint: true }, (_, stats) => is<fs.BigIntStats>()(stats, true));
  fs.lstat(path, { bigint: true }, (_, stats) => is<fs.BigIntStats>()(stats, true));
  fs.readdir(path, { withFileTypes: true }, (_, entries) => is<fs.Dirent[]>()(entries, true));
  fs.mkdir(path, { recursive: true }, (_, first) => is<string | undefined>()(first, true));
  fs.mkdir(path, (error) => is<Failure>()(error, true));
  fs.close(5);
  fs.close(5, (error) => is<Failure | undefined>()(error, false));
  fs.read(5, bytes, (_, length, buffer) => is<{ length: number; buffer: Bytes }>()({ length, buffer }, true));
  fs.write(5, 'text', (_, length, text) => is<{ length: number; text: string }>()({ length, text }, true));
  fs.realpath.native(path, (_, real) => is<string>()(real, true));
  dns.lookup('localhost', (_, name, family) => is<{ name: string; family: number }>()({ name, family }, true));
  dns.lookup('localhost', { all: true }, (_, addresses) => is<dns.LookupAddress[]>()(addresses, true));
  dns.resolve('localhost', 'MX', (_, records) => is<dns.MxRecord[]>()(records, true));
  dns.resolve('localhost', (_, records) => is<string[]>()(records, true));
  new Resolver().resolve4('localhost', (_, records) => is<string[]>()(records, true));
  zlib.gzip('text', (_, data) => is<Bytes>()(data, true));
  zlib.gzip('text', { level: 5 }, (_, data) => is<Bytes>()(data, true));
  zlib.createGzip().flush(() => {});
  crypto.scrypt('password', 'salt', 20, (_, key) => is<Bytes>()(key, true));
  crypto.generateKeyPair('rsa', { modulusLength: 2048 }, (_, key) => is<crypto.KeyObject>()(key, true));
  exec('true', (_, stdout) => is<string>()(stdout, true));
  exec('true', { encoding: 'buffer' }, (_, stdout) => is<Bytes>()(stdout, true));
  execFile('true', ['text'], (_, stdout) => is<string>()(stdout, true));
  is<childProcess.ChildProcess>()(
    exec('true', () => {}),
    true,
  );
  dgram.createSocket('udp4').send('text', 9, 'localhost', (_, length) => is<number>()(length, true));
  net.createServer().getConnections((_, count) => is<number>()(count, true));
  readline.createInterface(process.stdin).question('name? ', (answer) => is<string>()(answer, true));
  const [source, target] = [fs.createReadStream(path), fs.createWriteStream(path)];
  is<fs.WriteStream>()(
    stream.pipeline(source, target, (error) => is<Failure>()(error, true)),
    true,
  );
  stream.pipeline(source, zlib.createGzip(), target, (error) => is<Failure>()(error, true));
  is<() => void>()(
    finished(source, (error) => is<Failure | undefined>()(error, true)),
    true,
  );
  for await (const chunk of source) is<any>()(chunk, true);
  is<string>()(await util.promisify(fs.readFile)(path, 'utf8'), true);
  is<Bytes>()(await util.promisify(crypto.pbkdf2)('password', 'salt', 1, 20, 'sha1'), true);
  is<ArrayBuffer>()(await util.promisify(crypto.hkdf)('sha1', 'key', 'salt', '', 20), true);
  is<void>()(await util.promisify(setTimeout)(5), true);
  is<number>()(await run(() => 5), true);
  is<string>()(await run(() => promises.readFile(path, 'utf8')), true);
  start(() => promises.readFile(path, 'utf8')).link((greenlet) => is<string | undefined>()(greenlet.value, true));
  // @ts-expect-error no such function
  readFile(path, 5);
  // @ts-expect-error the callback takes no text
  readFile(path, (_: Failure, text: string) => text);
}

// What is inferred from a function is inferred from its callback forms.
same<ReturnType<typeof fs.readFile>, void>(true);
same<ReturnType<typeof setTimeout>, NodeJS.Timeout>(true);
same<ReturnType<typeof setImmediate>, NodeJS.Immediate>(true);
same<ReturnType<typeof setInterval>, NodeJS.Timeout>(true);
same<ReturnType<typeof exec>, childProcess.ChildProcess>(true);
same<ReturnType<typeof dns.lookup>, void>(true);
same<ReturnType<typeof finished>, () => void>(true);
same<Parameters<typeof fs.rename>, [oldPath: fs.PathLike, newPath: fs.PathLike, callback: fs.NoParamCallback]>(true);
same<Parameters<typeof fs.unlink>[1], fs.NoParamCallback>(true);
same<ReturnType<dgram.Socket['send']>, void>(true);
export const operation: Operation<string> = fs.readFile(path, 'utf8');
export const oldStyle: (name: string, callback: (error: Failure, names: string[]) => void) => void = fs.readdir;

/** What the programs of this folder need: their packages, genlet compiled, and the servers that they talk to. */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chownSync,
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { installGenlet } from '../io/monkey/installed.ts';

const home = resolve('test/packages');

/** Has npm bring the packages, if they are missing or not those of the lock file; tells what went wrong. */
export function installPackages(): string | undefined {
  const modified = (path: string) => statSync(join(home, path), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  if (modified('node_modules/.package-lock.json') >= modified('package-lock.json')) return undefined;
  const args = [
    'ci',
    '--no-audit',
    '--no-fund',
    '--prefer-offline',
    '--loglevel=error',
    '--fetch-retry-mintimeout=500',
  ];
  const { status, stderr } = spawnSync('npm', [...args, '--fetch-retries=1'], {
    cwd: home,
    encoding: 'utf8',
    shell: process.platform === 'win32',
    timeout: 100_000,
  });
  if (status === 0) return undefined;
  return `npm could not install the packages: ${/^npm error code (.*)/m.exec(String(stderr))?.[1] ?? 'it took too long'}`;
}

/** A folder with the programs, the packages and genlet, as a user has them. */
export function makeFolder(): { folder: string; remove(): void } {
  const { folder, remove } = installGenlet();
  cpSync(home, folder, { recursive: true, filter: (path) => !path.startsWith(join(home, 'node_modules')) });
  const packages = readdirSync(join(home, 'node_modules')).filter((name) => !name.startsWith('.'));
  for (const name of packages) link(join(home, 'node_modules', name), name);
  link(resolve('node_modules/vitest'), 'vitest');
  return { folder, remove };

  function link(target: string, name: string): void {
    symlinkSync(target, join(folder, 'node_modules', name), 'dir');
  }
}

/** A server that runs until it is stopped, and the environment by which programs find it. */
export interface Running {
  readonly env: Record<string, string>;
  stop(): Promise<void>;
}

/** Redis with nothing in it, at a Unix socket; a sentence that says why not. */
export async function startRedis(): Promise<Running | string> {
  const program = find('redis-server');
  if (program === undefined) return 'redis-server is not installed';
  const folder = mkdtempSync(join(tmpdir(), 'genlet-redis-'));
  const socket = join(folder, 'socket');
  const args = ['--port', '0', '--unixsocket', socket, '--dir', folder, '--save', '', '--appendonly', 'no'];
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'ignore'] });
  await lineOf(child, child.stdout, /ready to accept connections/i);
  return { env: { REDIS_SOCKET: socket }, stop: () => stop(child, 'SIGTERM', folder) };
}

/** PostgreSQL with an empty cluster, at a Unix socket without and by TCP with a password and TLS; or why not. */
export async function startPostgres(): Promise<Running | string> {
  const [program, initdb] = [find('postgres'), find('initdb')];
  if (program === undefined || initdb === undefined) return 'PostgreSQL is not installed';
  if (find('openssl') === undefined) return 'openssl is not installed';
  const owner = process.getuid?.() === 0 ? ownerOfPostgres() : undefined;
  if (typeof owner === 'string') return owner;

  const folder = mkdtempSync(join(tmpdir(), 'genlet-postgres-'));
  const [data, key, certificate] = ['data', 'key.pem', 'certificate.pem'].map((name) => join(folder, name));
  const password = 'secret';
  if (owner !== undefined) chownSync(folder, owner.uid, owner.gid);
  const options = { ...owner, cwd: folder, env: { PATH: process.env.PATH, LC_ALL: 'C' } };
  writeFileSync(join(folder, 'password'), password);
  const users = ['--username=postgres', '--auth=trust', '--auth-host=scram-sha-256', '--pwfile=password'];
  execFileSync(initdb, ['--pgdata', data!, '--encoding=UTF8', '--locale=C', '--no-sync', ...users], options);
  const subject = ['-subj', '/CN=localhost', '-days', '2'];
  const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  const files = ['-keyout', key!, '-out', certificate!];
  execFileSync('openssl', ['req', ...kind, ...files, ...subject], { ...options, stdio: 'ignore' });

  const port = String(await freePort());
  const settings = {
    listen_addresses: '127.0.0.1',
    port,
    unix_socket_directories: folder,
    fsync: 'off',
    ssl: 'on',
    ssl_cert_file: certificate!,
    ssl_key_file: key!,
  };
  const args = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const child = spawn(program, ['-D', data!, ...args], { ...options, stdio: ['ignore', 'ignore', 'pipe'] });
  await lineOf(child, child.stderr, /ready to accept connections/);
  const env = {
    PGHOST: folder,
    PGPORT: port,
    PGUSER: 'postgres',
    PGDATABASE: 'postgres',
    PGPASSWORD: password,
  };
  return { env, stop: () => stop(child, 'SIGINT', folder) };
}

/** It refuses to run as root. */
function ownerOfPostgres(): { uid: number; gid: number } | string {
  const [uid, gid] = ['-u', '-g'].map((option) => spawnSync('id', [option, 'postgres'], { encoding: 'utf8' }));
  if (uid!.status !== 0) return 'there is no user postgres, and PostgreSQL does not run as root';
  return { uid: Number(uid!.stdout), gid: Number(gid!.stdout) };
}

/** Debian keeps PostgreSQL's programs out of the path. */
function find(program: string): string | undefined {
  const root = '/usr/lib/postgresql';
  const versions = existsSync(root) ? readdirSync(root).sort((a, b) => Number(b) - Number(a)) : [];
  const folders = [
    ...(process.env.PATH ?? '').split(delimiter),
    ...versions.map((version) => `${root}/${version}/bin`),
  ];
  return folders.map((folder) => join(folder, program)).find((path) => existsSync(path));
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

/** Waits until a server says something; what it says afterwards is thrown away. */
async function lineOf(child: ChildProcess, output: NodeJS.ReadableStream, wanted: RegExp): Promise<void> {
  const said: string[] = [];
  const lines = createInterface(output);
  await new Promise<void>((resolve, reject) => {
    lines.on('line', (line) => {
      said.push(line);
      if (wanted.test(line)) resolve();
    });
    child.on('error', reject);
    child.on('exit', () => reject(new Error(`${child.spawnfile} has ended:\n${said.join('\n')}`)));
  });
  lines.removeAllListeners('line');
}

async function stop(child: ChildProcess, signal: NodeJS.Signals, folder: string): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    const ended = once(child, 'exit');
    child.kill(signal);
    await ended;
  }
  rmSync(folder, { recursive: true, force: true });
}

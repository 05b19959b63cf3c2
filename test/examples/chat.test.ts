import { describe, expect, it } from 'vitest';
import { exampleRunner } from './example.ts';
import { callPort } from './network.ts';

const { startExample } = exampleRunner();

async function startChat(...options: string[]) {
  const program = startExample('chat', ...options);
  const [, url, port] = await program.line(/^chat at (http:\/\/127\.0\.0\.1:(\d+)\/)$/);
  const post = (message: unknown) => fetch(`${url}messages`, { method: 'POST', body: JSON.stringify(message) });
  const poll = async (after: number | string) => {
    const response = await fetch(`${url}messages?after=${after}`);
    const { messages } = (await response.json()) as { messages: { id: number; name: string; text: string }[] };
    return messages;
  };
  return { program, url: url!, port: Number(port), post, poll };
}

describe('chat.ts', () => {
  it('wakes all who wait by one message, and holds up nobody else meanwhile', async () => {
    const { program, url, post, poll } = await startChat();
    const waiting = Promise.all(Array.from({ length: 50 }, () => poll(0)));
    let over = false;
    waiting.then(() => {
      over = true;
    });
    const page = await fetch(url);
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(await page.text()).toContain('<title>Chat</title>');
    expect(over).toBe(false);

    const message = { name: 'Ada', text: '<b>grüße</b>' };
    expect(await (await post(message)).json()).toEqual({ id: 1, ...message });
    for (const messages of await waiting) expect(messages).toEqual([{ id: 1, ...message }]);
    expect(program.stderr).toBe('');
  });

  it('gives what came since the last time, at once or when the next comes', async () => {
    const { post, poll } = await startChat();
    for (const text of ['one', 'two', 'three']) await post({ name: 'Ada', text });
    expect((await poll(1)).map(({ text }) => text)).toEqual(['two', 'three']);
    expect((await poll('nonsense')).map(({ id }) => id)).toEqual([1, 2, 3]);
    expect((await poll(99)).map(({ id }) => id)).toEqual([1, 2, 3]); // from before a restart
    const next = poll(3);
    await post({ name: 'Bob', text: 'four' });
    expect(await next).toEqual([{ id: 4, name: 'Bob', text: 'four' }]);
  });

  it('keeps the last 200 messages', async () => {
    const { post, poll } = await startChat();
    for (let n = 1; n <= 205; n++) await post({ name: 'Ada', text: `${n}` });
    const messages = await poll(0);
    expect([messages.length, messages[0]!.id, messages.at(-1)!.id]).toEqual([200, 6, 205]);
  });

  it('has who hears nothing for long ask again', async () => {
    const { poll } = await startChat('--patience', '50');
    expect(await poll(0)).toEqual([]);
  });

  it('refuses what is no message', async () => {
    const { url, post, program } = await startChat();
    const statusOf = async (message: unknown) => (await post(message)).status;
    expect(await statusOf({ name: 'Ada' })).toBe(400);
    expect(await statusOf({ name: 'Ada', text: '' })).toBe(400);
    expect(await statusOf({ name: 1, text: 'x' })).toBe(400);
    expect(await statusOf(null)).toBe(400);
    expect(await statusOf({ name: 'Ada', text: 'x'.repeat(10_000) })).toBe(413);
    expect((await fetch(url, { method: 'DELETE' })).status).toBe(404);
    expect(program.stderr).toBe('');
  });

  it('ends at Ctrl-C though somebody waits', async () => {
    const { program, port } = await startChat();
    const { socket, readline } = await callPort(port);
    socket.write('GET /messages HTTP/1.1\r\nHost: localhost\r\n\r\nGET /messages HTTP/1.1\r\nHost: localhost\r\n\r\n');
    const poll = fetch(`http://127.0.0.1:${port}/messages`);
    await fetch(`http://127.0.0.1:${port}/`); // what was sent before it has arrived
    program.signal('SIGINT');
    expect(await readline()).toBe('HTTP/1.1 503 Service Unavailable');
    expect((await poll).status).toBe(503);
    expect(await program.ended()).toBe(130);
    expect(program.stderr).toBe('');
  });
});

export const title = 'I/O: files, streams of bytes, many connections, HTTP';

export const files = [
  'small-files.mjs',
  'copy.mjs',
  'lines.mjs',
  'receive.mjs',
  'idle.mjs',
  'http-client.mjs',
  'http-server.mjs',
];

// What runs inside an agent's network: model calls, many at once. Arguments: one JSON object
// {host, target, headers, body, count, abortAfter, quiet, image}. Prints {results: [{status, text, how}]}.

import { connectTls, report, request } from './agent_client.mjs';

const { host, target, headers, body, count = 1, abortAfter, quiet, image = 0 } = JSON.parse(process.argv[2]);
// An image of so many bytes, too long for an argument.
if (image > 0) body.messages[0].content[0].image_url.url += 'A'.repeat(image);
const text = JSON.stringify(body);

// Hangs up once something matching `abortAfter` has come.
async function aborted() {
  const socket = await connectTls('proxy', host);
  const lines = Object.entries({ Host: host, 'Content-Length': Buffer.byteLength(text), ...headers });
  socket.write(`POST ${target} HTTP/1.1\r\n${lines.map(([n, v]) => `${n}: ${v}\r\n`).join('')}\r\n${text}`);
  let seen = '';
  await new Promise((done) => {
    socket.on('error', done);
    socket.on('close', done);
    socket.on('data', (data) => {
      seen += data;
      if (seen.includes(abortAfter)) socket.destroy();
    });
  });
  return { status: Number(seen.slice(9, 12)), text: seen, how: 'aborted' };
}

const one = () => (abortAfter ? aborted() : request('proxy', host, { method: 'POST', target, headers, body: text }))
  .catch((error) => ({ status: 0, text: String(error), how: 'error' }));
const results = await Promise.all(Array.from({ length: count }, one));
report({ results: quiet ? results.map(({ status, text: all, how }) => ({ status, how, text: all.slice(0, 600), size: all.length })) : results });
process.exit(0);

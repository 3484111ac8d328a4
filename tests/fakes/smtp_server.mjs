// Enough SMTP (RFC 5321) to see that a tunnel carries it: greeting, commands, DATA; it keeps what it got.

import net from 'node:net';

import { listen, Record, runAsProgram } from './listening.mjs';

const replies = { EHLO: '250-fake.test greets you\r\n250 8BITMIME', HELO: '250 fake.test', MAIL: '250 OK', RCPT: '250 OK',
  RSET: '250 OK', NOOP: '250 OK', DATA: '354 End data with <CR><LF>.<CR><LF>', QUIT: '221 Bye' };

function converse(socket, record) {
  let pending = '';
  let message;
  const say = (line) => socket.write(line + '\r\n');
  say('220 fake.test ESMTP');
  const take = (line) => {
    if (message) {
      if (line !== '.') return void message.push(line);
      record.add({ at: Date.now(), message: message.join('\r\n') });
      message = undefined;
      return void say('250 OK: queued');
    }
    const verb = line.slice(0, 4).toUpperCase();
    say(replies[verb] ?? '500 Unrecognised command');
    if (verb === 'DATA') message = [];
    if (verb === 'QUIT') socket.end();
  };
  socket.on('data', (data) => {
    pending += data.toString('latin1');
    const lines = pending.split('\r\n');
    pending = lines.pop();
    lines.forEach(take);
  });
}

// Starts one. Answers {port, record (messages), close}.
export async function startSmtpServer({ record: file, port, host } = {}) {
  const record = new Record(file);
  const server = net.createServer((socket) => converse(socket, record));
  return { record, ...(await listen(server, { port, host })) };
}

await runAsProgram(import.meta.url, startSmtpServer);

// An upstream DNS server (RFC 1035) over UDP and TCP with a table of names, which counts every question:
// a test of "no query is ever made" asks it.

import dgram from 'node:dgram';
import net from 'node:net';

import { listen, Record, runAsProgram } from './listening.mjs';

export const types = { A: 1, NS: 2, CNAME: 5, SOA: 6, PTR: 12, MX: 15, TXT: 16, AAAA: 28, HTTPS: 65 };
const typeName = (code) => Object.keys(types).find((name) => types[name] === code) ?? `TYPE${code}`;
const CLASS_IN = 1;
const FORMERR = 1;
const SERVFAIL = 2;
const NXDOMAIN = 3;
const UDP_MAX = 512;

function encodeName(name) {
  const labels = name.split('.').filter(Boolean).map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label, 'latin1')]));
  return Buffer.concat([...labels, Buffer.from([0])]);
}

// The first question: {name (lower case), type, end}. No compression there (RFC 1035 §4.1.2).
function readQuestion(packet) {
  let at = 12;
  const labels = [];
  while (packet[at] !== 0) {
    if (packet[at] > 63 || at + 1 + packet[at] >= packet.length) throw new RangeError('bad name');
    labels.push(packet.toString('latin1', at + 1, at + 1 + packet[at]));
    at += 1 + packet[at];
  }
  return { name: labels.join('.').toLowerCase(), type: packet.readUInt16BE(at + 1), end: at + 5 };
}

const addressBytes = (address) => {
  if (net.isIPv4(address)) return Buffer.from(address.split('.').map(Number));
  const { hostname } = new URL(`http://[${address}]`);
  const [head, tail] = hostname.slice(1, -1).split('::').map((part) => part.split(':').filter(Boolean));
  const groups = tail ? [...head, ...Array(8 - head.length - tail.length).fill('0'), ...tail] : head;
  const out = Buffer.alloc(16);
  groups.forEach((group, n) => out.writeUInt16BE(parseInt(group, 16), n * 2));
  return out;
};

// RDATA of a record in the table's notation.
function recordData(type, value) {
  if (type === 'A' || type === 'AAAA') return addressBytes(value);
  if (type === 'CNAME' || type === 'PTR' || type === 'NS') return encodeName(value);
  if (type === 'TXT') return Buffer.concat([Buffer.from([Buffer.byteLength(value)]), Buffer.from(value)]);
  return Buffer.from(value, 'hex');
}

function answerRecord(name, type, ttl, data) {
  const fixed = Buffer.alloc(10);
  fixed.writeUInt16BE(types[type], 0);
  fixed.writeUInt16BE(CLASS_IN, 2);
  fixed.writeUInt32BE(ttl, 4);
  fixed.writeUInt16BE(data.length, 8);
  return Buffer.concat([encodeName(name), fixed, data]);
}

class Dns {
  constructor(table, { ttl, file }) {
    this.table = table;
    this.ttl = ttl;
    this.record = new Record(file);
  }

  // How often `name` (or any name, without it) was asked for.
  count(name) {
    return this.record.entries.filter((entry) => name === undefined || entry.name === name.toLowerCase()).length;
  }

  // The entry for a name, its own or that of the closest wildcard (RFC 4592).
  find(name) {
    if (this.table[name]) return this.table[name];
    const labels = name.split('.');
    for (let n = 1; n < labels.length; ++n) {
      const entry = this.table[['*', ...labels.slice(n)].join('.')];
      if (entry) return entry;
    }
    return undefined;
  }

  // [owner, type, value] rows, through CNAMEs. A function in the table is called at each question, so that
  // a name can change its address (rebinding).
  rows(name, wanted, depth = 0) {
    const found = this.find(name);
    const entry = typeof found === 'function' ? found(wanted) : found;
    if (!entry || depth > 8) return [];
    const list = Array.isArray(entry) ? { A: entry.filter(net.isIPv4), AAAA: entry.filter(net.isIPv6) } : entry;
    if (list.CNAME && wanted !== 'CNAME') {
      return [[name, 'CNAME', list.CNAME], ...this.rows(list.CNAME.toLowerCase(), wanted, depth + 1)];
    }
    return [list[wanted] ?? []].flat().map((value) => [name, wanted, value]);
  }

  respond(packet, transport) {
    const question = readQuestion(packet);
    const type = typeName(question.type);
    this.record.add({ at: Date.now(), name: question.name, type, transport });
    const found = this.find(question.name);
    if (found === 'drop') return undefined;
    const code = found === 'servfail' ? SERVFAIL : found === undefined ? NXDOMAIN : 0;
    const rows = code === 0 ? this.rows(question.name, type) : [];
    const records = rows.map(([owner, kind, value]) => answerRecord(owner, kind, this.ttl, recordData(kind, value)));
    const head = Buffer.alloc(12);
    packet.copy(head, 0, 0, 2);
    head.writeUInt16BE(0x8080 | (packet[2] & 1) << 8 | code, 2);   // response, recursion as asked and available
    head.writeUInt16BE(1, 4);
    head.writeUInt16BE(records.length, 6);
    const whole = Buffer.concat([head, packet.subarray(12, question.end), ...records]);
    if (transport === 'tcp' || whole.length <= UDP_MAX) return whole;
    head[2] |= 2;   // truncated: ask again over TCP
    head.writeUInt16BE(0, 6);
    return Buffer.concat([head, packet.subarray(12, question.end)]);
  }

  // What to answer to any bytes.
  reply(packet, transport) {
    if (packet.length < 12) return undefined;
    try {
      return this.respond(packet, transport);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      const head = Buffer.alloc(12);
      packet.copy(head, 0, 0, 2);
      head.writeUInt16BE(0x8000 | FORMERR, 2);
      return head;
    }
  }
}

function converse(dns, socket) {
  let pending = Buffer.alloc(0);
  socket.on('data', (data) => {
    pending = Buffer.concat([pending, data]);
    while (pending.length >= 2 && pending.length >= 2 + pending.readUInt16BE()) {
      const size = pending.readUInt16BE();
      const answer = dns.reply(pending.subarray(2, 2 + size), 'tcp');
      pending = pending.subarray(2 + size);
      if (!answer) continue;
      const length = Buffer.alloc(2);
      length.writeUInt16BE(answer.length);
      socket.write(Buffer.concat([length, answer]));
    }
  });
}

// Starts one on the same port for UDP and TCP. `table` maps a name (or "*.name") to a list of addresses,
// {A, AAAA, CNAME, TXT}, a function of the type that answers one of these, 'servfail' or 'drop'; other names
// do not exist. Answers {port, table, record, count(name), close}.
export async function startDnsServer({ table = {}, ttl = 30, record, port = 0, host = '127.0.0.1' } = {}) {
  const dns = new Dns(table, { ttl, file: record });
  const udp = dgram.createSocket('udp4');
  udp.on('message', (packet, from) => {
    const answer = dns.reply(packet, 'udp');
    if (answer) udp.send(answer, from.port, from.address);
  });
  const tcp = await listen(net.createServer((socket) => converse(dns, socket)), { port, host });
  await new Promise((done, failed) => {
    udp.once('error', failed);
    udp.bind(tcp.port, host, done);
  });
  return Object.assign(dns, { port: tcp.port, close: () => Promise.all([tcp.close(), new Promise((done) => udp.close(done))]) });
}

// For example --table '{"api.example.com": ["192.0.2.1"]}'.
await runAsProgram(import.meta.url, (options) => startDnsServer({ ...options, table: JSON.parse(options.table ?? '{}') }),
  { table: { type: 'string' } });

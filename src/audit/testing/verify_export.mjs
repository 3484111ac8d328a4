// An outsider's check of an audit export: node verify_export.mjs < export.jsonl
// Shares no code with the product; the format is described in ../record.hpp. Prints one line per
// client and ends with status 1 when something does not hold.
import { createHash } from 'node:crypto';
import { createInterface } from 'node:readline';

function field(value) {
  const length = Buffer.alloc(4);
  if (value === null) {
    length.writeInt32BE(-1);
    return length;
  }
  const bytes = Buffer.isBuffer(value) ? value : Buffer.from(value, 'utf8');
  length.writeInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

// Date has milliseconds only: the last three digits are taken from the text.
function micros(time) {
  const [, seconds, fraction] = /^(.*)\.(\d{6})Z$/.exec(time);
  return (BigInt(Date.parse(`${seconds}Z`)) * 1000n + BigInt(fraction)).toString();
}

function recordHash(r) {
  return createHash('sha256')
    .update(Buffer.concat([
      'deployclaw/audit/v1', Buffer.from(r.prevHash, 'hex'), r.clientId, String(r.seq),
      micros(r.createdAt), r.agentId, r.actorType, r.actorId, r.actionType, r.target, r.outcome,
      r.metadata, r.ip,
    ].map(field)))
    .digest('hex');
}

const heads = new Map();
let bad = 0;
for await (const line of createInterface({ input: process.stdin })) {
  const r = JSON.parse(line);
  const head = heads.get(r.clientId) ?? { seq: 0, hash: '0'.repeat(64) };
  const good = recordHash(r) === r.hash && r.prevHash === head.hash && r.seq === head.seq + 1;
  if (!good) {
    console.log(`${r.clientId} ${r.seq} does not hold`);
    bad += 1;
  }
  heads.set(r.clientId, { seq: r.seq, hash: r.hash });
}
for (const [client, { seq, hash }] of heads) console.log(`${client} ends at ${seq} ${hash}`);
process.exit(bad === 0 ? 0 : 1);

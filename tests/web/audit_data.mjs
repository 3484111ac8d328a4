// An export of the audit log as the real server gives it, with its chain of hashes, for a played one.

import { createHash } from 'node:crypto';

const CLIENT = '00000000-0000-4000-8000-0000000000c1';
const ZEROS = '0'.repeat(64);

// Each field with its length in front; null: -1 and nothing more. As src/domain makes it.
function encode(fields) {
  return Buffer.concat(fields.flatMap((field) => {
    const bytes = field === null ? null : Buffer.from(field);
    const length = Buffer.alloc(4);
    length.writeInt32BE(bytes?.length ?? -1);
    return bytes ? [length, bytes] : [length];
  }));
}

/** `count` records, oldest first, each with the hash of the one before. */
export function chainOf(count) {
  const records = [];
  for (let seq = 1; seq <= count; seq += 1) {
    const at = Date.UTC(2026, 10, 1) + seq * 61_000;
    const record = {
      seq, createdAt: new Date(at).toISOString(), agentId: null, actor: { type: 'user', id: CLIENT }, actionType: 'email_sent',
      target: `to person${seq}@example.com`, outcome: 'success', metadataText: '{}', ip: null, prevHash: records.at(-1)?.hash ?? ZEROS,
    };
    record.hash = createHash('sha256').update(encode(['deployclaw/audit/v1', Buffer.from(record.prevHash, 'hex'), CLIENT, String(seq), `${at}000`,
      record.agentId, record.actor.type, record.actor.id, record.actionType, record.target, record.outcome, record.metadataText, record.ip])).digest('hex');
    records.push(record);
  }
  return records;
}

export function tellExport(played, records) {
  played.on('GET', '/api/audit/export', ({ response }) => {
    response.writeHead(200, { 'content-type': 'application/x-ndjson' });
    response.end(records.map((record) => `${JSON.stringify(record)}\n`).join(''));
  });
}

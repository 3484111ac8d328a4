// Checks the audit log's hash chain here in the browser, so that nobody has to believe the server.
// hash = SHA-256 over the fields, each with its length in front (null: -1 and nothing more).

import { Problem } from '../../api/problem';
import { transport } from '../../api/transport';

export type ExportedRecord = {
  seq: number; createdAt: string; agentId: string | null; actor: { type: string; id: string | null };
  actionType: string; target: string | null; outcome: string; metadataText: string; ip: string | null;
  prevHash: string; hash: string;
};

export type Verdict = { holds: boolean; records: number; first: number; last: number; head: string; fault: string | null };

const text = new TextEncoder();

function hexBytes(hex: string): Uint8Array {
  return Uint8Array.from(hex.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}
const hexOf = (bytes: ArrayBuffer) => [...new Uint8Array(bytes)].map((byte) => byte.toString(16).padStart(2, '0')).join('');

/** Microseconds since 1970 in decimal; Date knows only milliseconds. */
export function micros(time: string): string {
  const [, seconds = '', fraction = ''] = /^(.*?)(?:\.(\d+))?Z$/.exec(time) ?? [];
  return (BigInt(Date.parse(`${seconds}Z`)) * 1000n + BigInt(fraction.padEnd(6, '0').slice(0, 6))).toString();
}

function encode(fields: Array<string | Uint8Array | null>): Uint8Array<ArrayBuffer> {
  const parts = fields.map((field) => (typeof field === 'string' ? text.encode(field) : field));
  const out = new Uint8Array(parts.reduce((total, part) => total + 4 + (part?.length ?? 0), 0));
  const view = new DataView(out.buffer);
  let at = 0;
  for (const part of parts) {
    view.setInt32(at, part?.length ?? -1);
    at += 4;
    if (part) {
      out.set(part, at);
      at += part.length;
    }
  }
  return out;
}

export async function hashOf(record: ExportedRecord, clientId: string): Promise<string> {
  return hexOf(await crypto.subtle.digest('SHA-256', encode([
    'deployclaw/audit/v1', hexBytes(record.prevHash), clientId, String(record.seq), micros(record.createdAt), record.agentId,
    record.actor.type, record.actor.id, record.actionType, record.target, record.outcome, record.metadataText, record.ip,
  ])));
}

/** Holds records against one another as they come, oldest first. */
export class ChainCheck {
  private records = 0;
  private first = 0;
  private last = 0;
  private head = '';

  constructor(private readonly clientId: string) {}

  /** What is wrong with this record, if anything. */
  async add(record: ExportedRecord): Promise<string | null> {
    if (this.records === 0) this.first = record.seq;
    else if (record.seq !== this.last + 1) return `Record ${this.last + 1} is missing: ${record.seq} follows ${this.last}.`;
    else if (record.prevHash !== this.head) return `Record ${record.seq} does not continue record ${this.last}: one of them was changed.`;
    if (record.seq === 1 && !/^0+$/.test(record.prevHash)) return 'Record 1 claims that something came before it.';
    if ((await hashOf(record, this.clientId)) !== record.hash) return `Record ${record.seq} was changed: its content does not fit its hash.`;
    this.records += 1;
    this.last = record.seq;
    this.head = record.hash;
    return null;
  }

  verdict(fault: string | null): Verdict {
    return { holds: fault === null, records: this.records, first: this.first, last: this.last, head: this.head, fault };
  }
}

/** The lines of a streamed answer. */
export async function* linesOf(response: Response): AsyncGenerator<string> {
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  while (reader) {
    const { done, value } = await reader.read();
    if (done) break;
    const lines = (rest + value).split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
  }
  if (rest) yield rest;
}

export function exportUrl(format: 'jsonl' | 'csv', query: Record<string, string | undefined>): URL {
  const url = new URL('/api/audit/export', window.location.origin);
  url.searchParams.set('format', format);
  for (const [name, value] of Object.entries(query)) if (value) url.searchParams.set(name, value);
  return url;
}

/** Reads the whole log and checks it. Asks for a fresh code, as every export does. */
export async function verifyLog(clientId: string, onProgress: (records: number) => void, signal: AbortSignal): Promise<Verdict> {
  const response = await transport(new Request(exportUrl('jsonl', {}), { signal }));
  const check = new ChainCheck(clientId);
  let count = 0;
  for await (const line of linesOf(response)) {
    if (!line) continue;
    let record: ExportedRecord;
    try {
      record = JSON.parse(line) as ExportedRecord;
    } catch {
      throw new Problem(0, { code: 'broken_off', detail: `The connection broke off after ${count} records. Try again; this says nothing about the log.` });
    }
    const fault = await check.add(record);
    if (fault) return check.verdict(fault);
    count += 1;
    if (count % 500 === 0) onProgress(count);
  }
  return check.verdict(null);
}

/** One record with its hashes. */
export async function recordWithHash(seq: number, createdAt: string): Promise<ExportedRecord | null> {
  const from = new Date(Math.floor(Date.parse(createdAt)));
  const query = { from: from.toISOString(), to: new Date(from.getTime() + 2).toISOString() };
  const response = await transport(new Request(exportUrl('jsonl', query)));
  for await (const line of linesOf(response)) {
    if (!line) continue;
    const record = JSON.parse(line) as ExportedRecord;
    if (record.seq === seq) return record;
  }
  return null;
}

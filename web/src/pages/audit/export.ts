// The export of what the viewer shows. The server filters by everything but the actor, so that is done here.

import { transport } from '../../api/transport';
import { exportUrl, linesOf, type ExportedRecord } from './chain';
import { queryOf, type Filters } from './filters';

export type Format = 'jsonl' | 'csv';

// Every cell is quoted, and none of these four holds a quote.
const CSV_ACTOR = /^"[^"]*","[^"]*","[^"]*","([^"]*)"/;
const isOpen = (row: string) => (row.split('"').length - 1) % 2 === 1;

/** Rows of a CSV file from its lines: a quoted cell may hold a line break. */
export async function* csvRows(lines: AsyncIterable<string>): AsyncGenerator<string> {
  let row: string | null = null;
  for await (const line of lines) {
    row = row === null ? line : `${row}\n${line}`;
    if (isOpen(row)) continue;
    yield row;
    row = null;
  }
  if (row !== null) yield row;
}

async function byActor(response: Response, format: Format, actor: string): Promise<Blob> {
  const parts: string[] = [];
  if (format === 'csv') {
    for await (const row of csvRows(linesOf(response))) {
      if (parts.length === 0 || CSV_ACTOR.exec(row)?.[1] === actor) parts.push(`${row}\n`);
    }
  } else {
    for await (const line of linesOf(response)) {
      if (line && (JSON.parse(line) as ExportedRecord).actor.type === actor) parts.push(`${line}\n`);
    }
  }
  return new Blob(parts);
}

/** The records that fit, oldest first. Asks for a fresh code. */
export async function exported(format: Format, filters: Filters, agentId: string | undefined): Promise<Blob> {
  const query = { ...queryOf(filters, Date.now()), agentId: agentId ?? (filters.agent || undefined) };
  const response = await transport(new Request(exportUrl(format, query)));
  return filters.actor ? byActor(response, format, filters.actor) : response.blob();
}

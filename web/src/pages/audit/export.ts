// The export of what the viewer shows.

import { transport } from '../../api/transport';
import { exportUrl } from './chain';
import { queryOf, type Filters } from './filters';

export type Format = 'jsonl' | 'csv';

/** The records that fit, oldest first. Asks for a fresh code. */
export async function exported(format: Format, filters: Filters, agentId: string | undefined): Promise<Blob> {
  const query = { ...queryOf(filters, Date.now()), agentId: agentId ?? (filters.agent || undefined) };
  const response = await transport(new Request(exportUrl(format, query)));
  return response.blob();
}

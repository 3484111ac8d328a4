import { useQuery } from '@tanstack/react-query';
import { lazy, Suspense, useMemo, useState } from 'react';
import { useSearchParams } from 'wouter';
import type { Metrics as Answer } from '../../api/contract';
import { usePolling } from '../../live/live';
import { Card, EmptyState, ErrorNotice, IconActivity, Skeleton, Switch, Table, Time } from '../../ui';
import { bytes, count, usd } from '../../ui/format';
import type { TabProps } from './index';
import { metricsQuery } from './queries';

const Chart = lazy(() => import('./chart'));

const RANGES = [
  { id: '1h', title: '1 hour', minutes: 60, step: 30 }, { id: '6h', title: '6 hours', minutes: 360, step: 120 },
  { id: '24h', title: '24 hours', minutes: 1440, step: 600 }, { id: '7d', title: '7 days', minutes: 10_080, step: 3600 }, { id: '30d', title: '30 days', minutes: 43_200, step: 14_400 },
];
type SeriesName = keyof Answer['series'];
const CHARTS: Array<{ title: string; lines: Array<{ series: SeriesName; title: string }>; format: (value: number) => string }> = [
  { title: 'CPU', lines: [{ series: 'cpuCores', title: 'Cores' }], format: (value) => value.toFixed(2) },
  { title: 'Memory', lines: [{ series: 'memoryBytes', title: 'In use' }], format: bytes },
  { title: 'Network', lines: [{ series: 'networkRxBytes', title: 'Received' }, { series: 'networkTxBytes', title: 'Sent' }], format: bytes },
  { title: 'Tokens', lines: [{ series: 'tokensIn', title: 'In' }, { series: 'tokensOut', title: 'Out' }], format: (value) => count(Math.round(value)) },
  { title: 'Model spend', lines: [{ series: 'spendUsd', title: 'Spent' }], format: usd },
];

export default function Metrics({ agent }: TabProps) {
  const [search, setSearch] = useSearchParams();
  const [asTables, setAsTables] = useState(false);
  const range = RANGES.find((one) => one.id === search.get('range')) ?? RANGES[0];
  const polling = usePolling(30_000) || 30_000;
  const { data, error, refetch, isFetching } = useQuery({
    ...metricsQuery(agent.id, range?.minutes ?? 60, range?.step ?? 30), refetchInterval: polling, placeholderData: (before) => before,
  });
  if (error && !data) return <ErrorNotice error={error} title="The metrics could not be loaded" retry={() => void refetch()} />;
  if (data === undefined) return <Skeleton label="Loading metrics" />;
  if (data === null) return <EmptyState icon={<IconActivity size={20} />} title="This server does not measure agents" />;
  return (
    <div className="stack">
      <div className="filters">
        <div className="segments" role="group" aria-label="Range">
          {RANGES.map((one) => (
            <button key={one.id} type="button" aria-pressed={one === range} onClick={() => setSearch(one.id === '1h' ? new URLSearchParams() : new URLSearchParams({ range: one.id }), { replace: true })}>{one.title}</button>
          ))}
        </div>
        <Switch label="As tables" checked={asTables} onChange={setAsTables} />
        {isFetching && <span className="muted small" role="status">Loading…</span>}
      </div>
      <div className="metrics" data-tables={asTables || undefined}>
        {CHARTS.map((chart) => <One key={chart.title} chart={chart} data={data} asTable={asTables} />)}
      </div>
    </div>
  );
}

/** Values of several series at the times of any of them. */
function aligned(data: Answer, lines: Array<{ series: SeriesName }>): Array<{ at: string; values: Array<number | null> }> {
  const rows = new Map<string, Array<number | null>>();
  lines.forEach(({ series }, index) => {
    for (const [at, value] of data.series[series] ?? []) {
      const time = new Date(at).toISOString();
      const row = rows.get(time) ?? lines.map(() => null);
      row[index] = value;
      rows.set(time, row);
    }
  });
  return [...rows].sort(([a], [b]) => a.localeCompare(b)).map(([at, values]) => ({ at, values }));
}

function One({ chart, data, asTable }: { chart: (typeof CHARTS)[number]; data: Answer; asTable: boolean }) {
  const rows = useMemo(() => aligned(data, chart.lines), [data, chart.lines]);
  const last = rows.at(-1);
  const hint = last ? chart.lines.map(({ title }, index) => `${title}: ${last.values[index] == null ? '–' : chart.format(last.values[index])}`).join(', ') : undefined;
  return (
    <Card title={chart.title} hint={hint}>
      {rows.length === 0 ? <p className="muted">Nothing was measured in this time.</p> : asTable
        ? (
          <div className="metrics-table">
            <Table caption={chart.title} rows={[...rows].reverse()} rowKey={(row) => row.at} columns={[
              { id: 'at', title: 'Time', cell: (row) => <Time at={row.at} exact /> },
              ...chart.lines.map(({ title }, index) => ({ id: title, title, align: 'right' as const, cell: (row: { values: Array<number | null> }) => (row.values[index] == null ? '–' : chart.format(row.values[index])) })),
            ]} />
          </div>
        )
        : (
          <Suspense fallback={<Skeleton label="Loading the chart" />}>
            <Chart label={`${chart.title}. ${hint ?? ''}. “As tables” shows every value.`} rows={rows} titles={chart.lines.map((line) => line.title)} format={chart.format} />
          </Suspense>
        )}
    </Card>
  );
}

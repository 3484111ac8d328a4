import { useQuery } from '@tanstack/react-query';
import { lazy, Suspense, useMemo } from 'react';
import { useSearchParams } from 'wouter';
import type { AgentMetrics } from '../../api/types';
import { Card, ErrorNotice, Skeleton, Switch, Table, Time } from '../../ui';
import { bytes, count, usd } from '../../ui/format';
import type { TabProps } from './index';
import { METRIC_RANGES, metricsQuery, type MetricRange } from './queries';

const Chart = lazy(() => import('./chart'));

const TITLES: Record<MetricRange, string> = { '1h': '1 hour', '6h': '6 hours', '24h': '24 hours', '7d': '7 days', '30d': '30 days' };
type SeriesName = keyof AgentMetrics['series'];
type ChartKind = {
  title: string; lines: Array<{ series: SeriesName; title: string }>; format: (value: number) => string;
  /** How a point stands for its step. */
  of: 'average' | 'total';
};
const stepWords = (seconds: number) => (seconds < 60 ? `${seconds} s` : seconds < 3600 ? `${seconds / 60} min` : `${seconds / 3600} h`);
const cores = (value: number) => `${(value * 100).toFixed(value !== 0 && value < 0.1 ? 1 : 0)} %`;
const CHARTS: ChartKind[] = [
  { title: 'CPU', lines: [{ series: 'cpuCores', title: 'Of one core' }], format: cores, of: 'average' },
  { title: 'Memory', lines: [{ series: 'memoryBytes', title: 'In use' }], format: bytes, of: 'average' },
  { title: 'Network', lines: [{ series: 'networkRxBytes', title: 'Received' }, { series: 'networkTxBytes', title: 'Sent' }], format: bytes, of: 'total' },
  { title: 'Tokens', lines: [{ series: 'tokensIn', title: 'In' }, { series: 'tokensOut', title: 'Out' }], format: (value) => count(Math.round(value)), of: 'total' },
  { title: 'Model spend', lines: [{ series: 'spendUsd', title: 'Spent' }], format: usd, of: 'total' },
];

export default function Metrics({ agent }: TabProps) {
  const [search, setSearch] = useSearchParams();
  const range = METRIC_RANGES.find((one) => one === search.get('range')) ?? '1h';
  const asTables = search.get('view') === 'tables';
  // Samples come every 15 seconds and no event tells of them.
  const { data, error, refetch, isPlaceholderData } = useQuery({ ...metricsQuery(agent.id, range), refetchInterval: 15_000, placeholderData: (before) => before });
  const set = (name: string, value: string | null) => setSearch((before) => {
    const next = new URLSearchParams(before);
    if (value === null) next.delete(name);
    else next.set(name, value);
    return next;
  }, { replace: true });
  return (
    <div className="stack">
      <div className="filters">
        <div className="segments" role="group" aria-label="Range">
          {METRIC_RANGES.map((one) => (
            <button key={one} type="button" aria-pressed={one === range} onClick={() => set('range', one === '1h' ? null : one)}>{TITLES[one]}</button>
          ))}
        </div>
        <Switch label="As tables" checked={asTables} onChange={(on) => set('view', on ? 'tables' : null)} />
        {isPlaceholderData && !error && <span className="muted small" role="status">Loading…</span>}
      </div>
      {error && <ErrorNotice error={error} title={data ? 'Not up to date: the metrics could not be loaded' : 'The metrics could not be loaded'} retry={() => void refetch()} />}
      {data ? <Charts agent={agent} data={data} asTables={asTables} /> : !error && <Skeleton label="Loading metrics" />}
    </div>
  );
}

function Charts({ agent, data, asTables }: { agent: TabProps['agent']; data: AgentMetrics; asTables: boolean }) {
  const { current } = data;
  const limit = current?.memoryLimitBytes ?? agent.resources.memoryMb * 1048576;
  return (
    <>
      <p className="muted">
        {current
          ? <>Now: {cores(current.cpuPercent / 100)} of one core (it may use {agent.resources.cpus}), {bytes(current.memoryBytes)} of {bytes(limit)} memory.</>
          : agent.desiredState === 'running' ? 'Not measured in the last minute.' : 'It is stopped: nothing is measured.'}
        {' '}Each point stands for {stepWords(data.stepSeconds)}. Times are UTC.
      </p>
      <div className="metrics">
        {CHARTS.map((chart) => <One key={chart.title} chart={chart} data={data} asTable={asTables} />)}
      </div>
    </>
  );
}

type Row = { at: string; values: Array<number | null> };

function One({ chart, data, asTable }: { chart: ChartKind; data: AgentMetrics; asTable: boolean }) {
  const rows = useMemo(() => rowsOf(data, chart), [data, chart]);
  const said = (value: number | null | undefined) => (value == null ? '–' : chart.format(value));
  const summary = summaryOf(rows, chart);
  return (
    <Card title={chart.title} hint={summary ?? undefined}>
      {summary === null ? <p className="muted">{chart.lines.some(({ series }) => series === 'tokensIn' || series === 'spendUsd') ? 'No model was called in this time.' : 'Nothing was measured in this time.'}</p> : asTable
        ? (
          <div className="metrics-table">
            <Table caption={chart.title} rows={[...rows].reverse()} rowKey={(row) => row.at} columns={[
              { id: 'at', title: 'From', cell: (row) => <Time at={row.at} exact /> },
              ...chart.lines.map(({ title }, index) => ({ id: title, title, align: 'right' as const, cell: (row: Row) => said(row.values[index]) })),
            ]} />
          </div>
        )
        : (
          <Suspense fallback={<Skeleton label="Loading the chart" />}>
            <Chart label={`${chart.title}. ${summary}. “As tables” shows every value.`} rows={rows} titles={chart.lines.map((line) => line.title)} format={chart.format} binary={chart.format === bytes} />
          </Suspense>
        )}
    </Card>
  );
}

/** The values of a chart's series side by side: all have the same steps. */
function rowsOf({ series }: AgentMetrics, { lines }: ChartKind): Row[] {
  const [first] = lines;
  return (first ? series[first.series] : []).map(([at], index) => ({ at, values: lines.map((line) => series[line.series][index]?.[1] ?? null) }));
}

/** The whole time in words; null when nothing happened that is worth a chart. */
function summaryOf(rows: Row[], { lines, format, of }: ChartKind): string | null {
  const columns = lines.map((_, index) => rows.flatMap((row) => row.values[index] ?? []));
  const quiet = columns.every((values) => values.length === 0 || (of === 'total' && lines[0]?.series !== 'networkRxBytes' && values.every((value) => value === 0)));
  if (quiet) return null;
  return columns.map((values, index) => {
    const sum = values.reduce((total, value) => total + value, 0);
    const { title } = lines[index]!;
    return of === 'total' ? `${title}: ${format(sum)}` : `${title}: ${format(sum / values.length)} on average, at most ${format(Math.max(...values))}`;
  }).join(', ');
}

import 'uplot/dist/uPlot.min.css';
import { useEffect, useRef } from 'react';
import uPlot from 'uplot';
import { useTheme } from '../../app/theme';
import { utcTime } from '../../ui/time';

const HEIGHT = 180;
const DASH = [[], [6, 4], [2, 3]];

// Bytes are told in powers of 1024, so their ticks are at powers of two.
const POWERS_OF_TWO = Array.from({ length: 50 }, (_, power) => 2 ** power);

type Props = { label: string; binary?: boolean; rows: Array<{ at: string; values: Array<number | null> }>; titles: string[]; format: (value: number) => string };

const DAY = 86_400;
const dayWords = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', timeZone: 'UTC' });
// Hours, and the date where a day begins or no hour is told.
const axisTime = (at: number, step: number) => (step >= DAY || at % DAY === 0 ? dayWords.format(at * 1000) : new Date(at * 1000).toISOString().slice(11, 16));

// Where no line leads, since nothing was measured before and after: these are dots.
const lonely = (values: ArrayLike<number | null | undefined>) => Array.from(values).flatMap((value, index) => (value != null && values[index - 1] == null && values[index + 1] == null ? index : []));

/** Lines over time, in UTC as in the table. Lines differ by dashes too; the table beside it has every value. */
export default function Chart({ label, binary = false, rows, titles, format }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const theme = useTheme();
  const titleKey = titles.join();
  const data: uPlot.AlignedData = [rows.map((row) => Date.parse(row.at) / 1000), ...titles.map((_, index) => rows.map((row) => row.values[index] ?? null))];

  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const colours = getComputedStyle(document.documentElement);
    const colour = (name: string) => colours.getPropertyValue(name).trim();
    const axis = { stroke: colour('--muted'), grid: { stroke: colour('--line'), width: 1 }, ticks: { show: false }, font: '11px system-ui, sans-serif' };
    // Away from the chart there is nothing to tell; at a step that was not measured there is a dash.
    const said = (_self: uPlot, value: number | null, _series: number, index: number | null) => (value != null ? format(value) : index == null ? '' : '–');
    const made = new uPlot({
      width: element.clientWidth, height: HEIGHT, padding: [8, 8, 0, 0], legend: { live: true },
      tzDate: (at) => uPlot.tzDate(new Date(at * 1000), 'Etc/UTC'),
      cursor: { y: false, points: { size: 6 } },
      scales: { y: { range: (_self, _least, most) => [0, most > 0 ? most * 1.1 : 1] } },
      axes: [{ ...axis, size: 28, values: (_self, ticks, _axis, _space, step) => ticks.map((at) => axisTime(at, step)) }, { ...axis, size: 64, incrs: binary ? POWERS_OF_TWO : undefined, values: (_self, ticks) => ticks.map(format) }],
      series: [{ label: 'From', value: (_self: uPlot, at: number | null) => (at == null ? '' : utcTime(new Date(at * 1000))) }, ...titles.map((title, index) => ({
        label: title, stroke: colour(`--chart-${index + 1}`), width: 1.5, dash: DASH[index] ?? [], points: { show: true, size: 4, filter: (self: uPlot, series: number) => lonely(self.data[series] ?? []) }, spanGaps: false,
        fill: titles.length === 1 ? `${colour('--chart-1')}22` : undefined, value: said,
      }))],
    }, data, element);
    plot.current = made;
    const resize = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height: HEIGHT }));
    resize.observe(element);
    return () => {
      resize.disconnect();
      made.destroy();
      plot.current = null;
    };
    // The data comes by setData below.
  }, [theme, titleKey]);
  useEffect(() => { plot.current?.setData(data); }, [rows]);

  return <div ref={box} className="chart" role="img" aria-label={label} />;
}

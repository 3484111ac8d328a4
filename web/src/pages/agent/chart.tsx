import 'uplot/dist/uPlot.min.css';
import { useEffect, useRef } from 'react';
import uPlot from 'uplot';
import { useTheme } from '../../app/theme';

const HEIGHT = 180;
const DASH = [[], [6, 4], [2, 3]];

type Props = { label: string; rows: Array<{ at: string; values: Array<number | null> }>; titles: string[]; format: (value: number) => string };

/** Lines over time. Lines differ by dashes too; the table beside it has every value. */
export default function Chart({ label, rows, titles, format }: Props) {
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
    const made = new uPlot({
      width: element.clientWidth, height: HEIGHT, legend: { show: titles.length > 1, live: true },
      cursor: { y: false, points: { size: 6 } },
      scales: { y: { range: (_self, _least, most) => [0, most > 0 ? most * 1.1 : 1] } },
      axes: [axis, { ...axis, size: 64, values: (_self, ticks) => ticks.map(format) }],
      series: [{}, ...titles.map((title, index) => ({
        label: title, stroke: colour(`--chart-${index + 1}`), width: 1.5, dash: DASH[index] ?? [], points: { show: false }, spanGaps: false,
        fill: titles.length === 1 ? `${colour('--chart-1')}22` : undefined, value: (_self: uPlot, value: number | null) => (value == null ? '–' : format(value)),
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

import './output.css';
import { memo, useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react';
import { isoTime, localTime, OWN_TIME } from '../../app/local_time';
import { OwnTime } from '../../app/own_time';
import { fileName, saveFile } from '../../app/save_file';
import { useParameters } from '../../app/use_parameters';
import { Button, EmptyState, ErrorNotice, IconDownload, IconOutput, IconSearch, Notice, SelectField, Skeleton, Status, Switch, type Tone } from '../../ui';
import { count } from '../../ui/format';
import { runsOf } from './ansi';
import type { TabProps } from './index';
import { useOutput, type FollowState, type Line } from './use_output';

const LEVELS = [{ id: '', title: 'All' }, { id: 'warn', title: 'Warnings' }, { id: 'error', title: 'Errors' }] as const;
const SPANS: Array<{ id: string; title: string; minutes: number }> = [
  { id: '15m', title: 'Last 15 minutes', minutes: 15 }, { id: '1h', title: 'Last hour', minutes: 60 }, { id: '24h', title: 'Last 24 hours', minutes: 1440 },
];
const SAYS: Record<FollowState, { word: string; tone: Tone }> = {
  loading: { word: 'Loading', tone: 'busy' }, live: { word: 'Live', tone: 'good' }, waiting: { word: 'Reconnecting', tone: 'warn' }, still: { word: 'Not following', tone: 'idle' },
};
// Lines are drawn in blocks; those out of sight cost nothing.
const BLOCK = 100;

export default function Output({ agent }: TabProps) {
  const [search, put] = useParameters();
  const [follow, setFollow] = useState(true);
  const words = search.get('q') ?? '';
  const level = search.get('level') ?? '';
  const span = SPANS.find((one) => one.id === search.get('since'));
  const from = search.get('from') ?? '';
  const to = search.get('to') ?? '';
  const own = !span && (search.get('since') === OWN_TIME || from !== '' || to !== '');
  const since = useMemo(() => (span ? new Date(Date.now() - span.minutes * 60_000).toISOString() : isoTime(from)), [span, from]);
  const until = span ? undefined : isoTime(to);
  // What is new is not in a range that has an end.
  const following = follow && until === undefined;
  const { lines, state, problem, retry, clear, cleared } = useOutput(agent.id, since, following);
  const shown = useMemo(() => {
    const wanted = words.toLowerCase();
    return (lines ?? []).filter((line) => (until === undefined || line.at < until) && (level === '' || line.level === 'error' || (level === 'warn' && line.level === 'warn'))
      && (wanted === '' || line.text.toLowerCase().includes(wanted)));
  }, [lines, words, level, until]);
  const download = () => saveFile(shown.map((line) => `${line.at} ${line.stream} ${line.text}\n`).join(''), fileName(agent.name, '.log'));

  return (
    <div className="stack">
      <div className="filters">
        <div className="input-search">
          <IconSearch size={14} />
          <input className="input" type="search" aria-label="Search the output" placeholder="Search the output" value={words} onChange={(event) => put({ q: event.target.value })} />
        </div>
        <div className="segments" role="group" aria-label="Level">
          {LEVELS.map((one) => <button key={one.id} type="button" aria-pressed={level === one.id} onClick={() => put({ level: one.id })}>{one.title}</button>)}
        </div>
        <div className="output-since">
          <SelectField label={<span className="sr-only">Time</span>} value={span?.id ?? (own ? OWN_TIME : '')}
            onChange={({ target }) => put({ since: target.value, from: target.value === OWN_TIME ? localTime(Date.now() - 3_600_000) : '', to: '' })}>
            <option value="">Newest lines</option>
            {SPANS.map((one) => <option key={one.id} value={one.id}>{one.title}</option>)}
            <option value={OWN_TIME}>From … to …</option>
          </SelectField>
        </div>
        <span className="grow" />
        <Status tone={SAYS[state].tone}>{SAYS[state].word}</Status>
        {until === undefined && <Switch label="Follow" checked={follow} onChange={setFollow} />}
        <Button disabled={shown.length === 0} onClick={download}><IconDownload size={14} />Download</Button>
      </div>
      {own && <div className="filter-fields"><OwnTime from={from} to={to} put={put} /></div>}
      {agent.status !== 'running' && agent.status !== 'provisioning' && (lines?.length ?? 0) > 0 && <Notice tone="info">It does not run now. This is what it wrote before.</Notice>}
      {problem && <ErrorNotice error={problem} title="The output could not be loaded" retry={retry} />}
      {lines === null && !problem && <Skeleton label="Loading the output" />}
      {lines !== null && shown.length > 0 && <Lines lines={shown} words={words} follow={following} />}
      {lines !== null && shown.length === 0 && (words || level || span || own
        ? <EmptyState icon={<IconSearch size={20} />} title="No line fits" actions={<Button onClick={() => put({ q: '', level: '', since: '', from: '', to: '' })}>Show all</Button>}>{count(lines.length)} lines were looked at.</EmptyState>
        : cleared ? <EmptyState icon={<IconOutput size={20} />} title="Nothing new yet" actions={<Button onClick={retry}>Show what was there</Button>}>You cleared the view. What the agent prints next appears here.</EmptyState>
        : <EmptyState icon={<IconOutput size={20} />} title="It has not written anything yet">What the agent prints appears here as it happens.</EmptyState>)}
      {lines !== null && lines.length > 0 && (
        <div className="row-between small muted">
          <span className="num" role="status">{count(shown.length)} {shown.length === lines.length ? 'lines' : `of ${count(lines.length)} lines`}</span>
          <Button size="small" variant="ghost" onClick={clear}>Clear the view</Button>
        </div>
      )}
    </div>
  );
}

function Lines({ lines, words, follow }: { lines: Line[]; words: string; follow: boolean }) {
  const box = useRef<HTMLDivElement>(null);
  const [atEnd, setAtEnd] = useState(true);
  const blocks = useMemo(() => {
    const out: Line[][] = [];
    // By sequence, not by place: a block stays the same when older lines fall out.
    for (const line of lines) {
      const block = out.at(-1);
      if (block && block.length < BLOCK && Math.floor((block[0]?.seq ?? 0) / BLOCK) === Math.floor(line.seq / BLOCK)) block.push(line);
      else out.push([line]);
    }
    return out;
  }, [lines]);
  useLayoutEffect(() => {
    if (atEnd && follow && box.current) box.current.scrollTop = box.current.scrollHeight;
  }, [blocks, atEnd, follow]);
  // Blocks that come into sight get their real height: the end moves a little once more.
  useEffect(() => {
    if (box.current) requestAnimationFrame(() => { if (box.current) box.current.scrollTop = box.current.scrollHeight; });
  }, []);
  return (
    <div className="output-frame">
      <div ref={box} className="output" tabIndex={0} role="log" aria-live="off" aria-label="Output of the agent"
        onScroll={(event) => {
          const { scrollTop, scrollHeight, clientHeight } = event.currentTarget;
          setAtEnd(scrollHeight - scrollTop - clientHeight < 40);
        }}>
        {blocks.map((block) => <Block key={block[0]?.seq} lines={block} size={block.length} words={words} />)}
      </div>
      {!atEnd && (
        <span className="output-end">
          <Button size="small" variant="primary" onClick={() => { if (box.current) box.current.scrollTop = box.current.scrollHeight; }}>To the newest line</Button>
        </span>
      )}
    </div>
  );
}

const Block = memo(function Block({ lines, words }: { lines: Line[]; size: number; words: string }) {
  return <div className="output-block">{lines.map((line) => <OutputRow key={line.seq} line={line} words={words} />)}</div>;
}, (a, b) => a.words === b.words && a.size === b.size && a.lines[0] === b.lines[0] && a.lines.at(-1) === b.lines.at(-1));

const clock = (at: string) => {
  const date = new Date(at);
  return Number.isNaN(date.getTime()) ? '' : date.toLocaleTimeString('en-GB');
};

function OutputRow({ line, words }: { line: Line; words: string }) {
  return (
    <div className="output-line" data-level={line.level === 'info' ? undefined : line.level}>
      <time className="output-time" dateTime={line.at} title={`${line.at} ${line.stream}`}>{clock(line.at)}</time>
      <span className="output-text">
        {words ? <Found text={line.text} words={words} /> : runsOf(line.line).map((run, index) => <span key={index} className={run.className || undefined}>{run.text}</span>)}
      </span>
    </div>
  );
}

function Found({ text, words }: { text: string; words: string }) {
  const parts = [];
  const low = text.toLowerCase();
  const wanted = words.toLowerCase();
  let at = 0;
  for (let next = low.indexOf(wanted); next >= 0 && low.length === text.length; next = low.indexOf(wanted, at)) {
    parts.push(text.slice(at, next), <mark key={next}>{text.slice(next, next + wanted.length)}</mark>);
    at = next + wanted.length;
  }
  return <>{parts}{text.slice(at)}</>;
}

import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import type { Agent } from '../../api/types';
import { ACTION_TYPES, actionWords } from '../../app/action_words';
import { localTime, OWN_TIME } from '../../app/local_time';
import { OwnTime } from '../../app/own_time';
import { saveFile } from '../../app/save_file';
import { Button, IconCheck, IconDownload, IconSettings, Menu, MenuItem, SearchField, SelectField, TextField, toast } from '../../ui';
import { exported, type Format } from './export';
import { ACTORS, OUTCOMES, SPANS, type Filters } from './filters';
import { VerifyDialog } from './verify';

type Props = {
  filters: Filters; put: (changes: Partial<Record<keyof Filters | 'time', string>>) => void;
  /** To choose from; null: the log of one agent. */
  agents: Agent[] | null;
  agentId?: string; utc: boolean; verifying: boolean; setVerifying: (on: boolean) => void;
};

export function FilterBar({ filters, put, agents, agentId, utc, verifying, setVerifying }: Props) {
  const used = [filters.action, filters.target, filters.actor, filters.agent, filters.from || filters.to].filter(Boolean).length;
  const [more, setMore] = useState(used > 0);
  const own = filters.since === OWN_TIME || (filters.since === '' && (filters.from !== '' || filters.to !== ''));
  const save = useMutation({
    mutationFn: async (format: Format) => saveFile(await exported(format, filters, agentId), `audit.${format}`),
    onSuccess: () => toast.good('Exported.'),
  });
  return (
    <>
      <div className="filters audit-filters">
        <SearchField label="Search the log" placeholder="Search" value={filters.q} onChange={(value) => put({ q: value })} />
        <div className="segments" role="group" aria-label="Outcome">
          <button type="button" aria-pressed={filters.outcome === ''} onClick={() => put({ outcome: '' })}>All</button>
          {OUTCOMES.slice(0, 3).map(({ value, word }) => (
            <button key={value} type="button" aria-pressed={filters.outcome === value} onClick={() => put({ outcome: value })}>{word}</button>
          ))}
        </div>
        <Button size="medium" aria-expanded={more} onClick={() => setMore(!more)}><IconSettings size={14} />Filters{used > 0 ? ` (${used})` : ''}</Button>
        <span className="grow" />
        <div className="segments" role="group" aria-label="Times">
          <button type="button" aria-pressed={!utc} onClick={() => put({ time: '' })}>Relative</button>
          <button type="button" aria-pressed={utc} onClick={() => put({ time: 'utc' })}>UTC</button>
        </div>
        <Menu label="Export" variant="secondary" busy={save.isPending} trigger={<><IconDownload size={14} />{save.isPending ? 'Exporting…' : 'Export'}</>}>
          <MenuItem onSelect={() => save.mutate('jsonl')}>JSON lines, with hashes</MenuItem>
          <MenuItem onSelect={() => save.mutate('csv')}>CSV for spreadsheets</MenuItem>
        </Menu>
        <Button onClick={() => setVerifying(true)}><IconCheck size={14} />Verify</Button>
      </div>
      {more && (
        <div className="filter-fields">
          {agents && (
            <SelectField label="Agent" value={filters.agent} onChange={(event) => put({ agent: event.target.value })}>
              <option value="">All</option>
              {agents.map((agent) => <option key={agent.id} value={agent.id}>{agent.name}</option>)}
              {filters.agent && !agents.some((agent) => agent.id === filters.agent) && <option value={filters.agent}>A deleted agent</option>}
            </SelectField>
          )}
          <SelectField label="Action" value={filters.action} onChange={(event) => put({ action: event.target.value })}>
            <option value="">All</option>
            {filters.action && !ACTION_TYPES.includes(filters.action) && <option value={filters.action}>{actionWords(filters.action)}</option>}
            {ACTION_TYPES.map((type) => <option key={type} value={type}>{actionWords(type)}</option>)}
          </SelectField>
          <SelectField label="Done by" value={filters.actor} onChange={(event) => put({ actor: event.target.value })}>
            <option value="">Anybody</option>
            {ACTORS.map(({ value, word }) => <option key={value} value={value}>{word}</option>)}
          </SelectField>
          <TextField label="Exact target" className="mono" spellCheck={false} value={filters.target} placeholder="api.example.com" onChange={(event) => put({ target: event.target.value })} />
          <SelectField label="Time" value={own ? OWN_TIME : filters.since}
            onChange={({ target }) => put({ since: target.value, from: target.value === OWN_TIME ? localTime(Date.now() - 86_400_000) : '', to: '' })}>
            <option value="">Any</option>
            {SPANS.map(({ value, word }) => <option key={value} value={value}>{word}</option>)}
            <option value={OWN_TIME}>From … to …</option>
          </SelectField>
          {own && <OwnTime from={filters.from} to={filters.to} put={put} />}
        </div>
      )}
      {verifying && <VerifyDialog onClose={() => setVerifying(false)} />}
    </>
  );
}

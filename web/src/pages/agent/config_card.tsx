import { useQuery } from '@tanstack/react-query';
import type { FormEvent } from 'react';
import { asProblem, type Problem } from '../../api/problem';
import { runtimesQuery } from '../../api/queries';
import { isObject, pointerOf } from '../../app/json';
import { useParameters } from '../../app/use_parameters';
import { Button, Card, ErrorNotice, Notice, TextAreaField, toast } from '../../ui';
import { ConfigFields } from './config_fields';
import { CONFIG, configText, parseConfig } from './config_value';
import { ConflictNotice } from './conflict_notice';
import { Differences } from './differences';
import type { TabProps } from './index';
import { useAgentPart } from './use_agent_part';

/** The runtime's configuration, as fields or as JSON: two views of one draft. */
export function ConfigCard({ may, ...props }: TabProps & { may: boolean }) {
  const [search, put] = useParameters();
  const asJson = search.get('view') === 'json';
  const edit = useAgentPart(props, CONFIG);
  const { data: runtimes } = useQuery(runtimesQuery);
  const { config, fault } = parseConfig(edit.draft);
  const problem = edit.error ? asProblem(edit.error) : null;
  const keys = runtimes?.find((one) => one.name === props.agent.runtime)?.configKeys;

  async function submit(event: FormEvent) {
    event.preventDefault();
    if (!config || edit.busy || !edit.dirty || edit.theirs !== null) return;
    // A failure is shown in the card.
    if (await edit.save().catch(() => null) === 'saved') toast.good('Saved. The agent is deployed with it.');
  }

  return (
    <form onSubmit={(event) => void submit(event)} aria-label="Configuration">
      <Card title="Configuration" hint="The program’s own settings. With a change the agent is deployed again."
        actions={<ViewSwitch asJson={asJson} onChange={(json) => put({ view: json ? 'json' : undefined })} />}
        foot={may && <>
          <Button disabled={!edit.dirty} onClick={edit.undo}>Undo</Button>
          <Button type="submit" variant="primary" busy={edit.busy} disabled={!config || !edit.dirty || edit.theirs !== null}>Save and redeploy</Button>
        </>}>
        <div className="stack">
          <ConflictNotice edit={edit} show={(theirs, mine) => <TextDifferences before={theirs} after={mine} />} />
          <Refused problem={problem} known={(pointer) => !asJson && config !== null && places(edit.draft).has(pointer)} />
          {asJson
            ? <TextAreaField label="As JSON" rows={Math.min(24, Math.max(6, edit.draft.split('\n').length))} className="mono" spellCheck={false} value={edit.draft} disabled={!may} error={fault ?? undefined}
                hint={edit.draft.includes('$sealed') ? 'Values shown as {"$sealed": true} are stored secrets: leave them, and they stay.' : undefined} onChange={(event) => edit.set(event.target.value)} />
            : config
              ? <>
                  {Object.keys(config).length === 0 && <p className="muted">Nothing is set: the program’s own defaults hold.</p>}
                  <ConfigFields value={config} path={[]} keys={keys} disabled={!may} wrong={(pointer) => problem?.fields.find((one) => one.pointer === `/config${pointer}`)?.detail}
                    set={(next) => edit.set(configText(next))} />
                </>
              : <Notice tone="warn" title="This is not whole JSON" action={<Button size="small" onClick={() => put({ view: 'json' })}>Mend it</Button>}>{fault}</Notice>}
        </div>
      </Card>
    </form>
  );
}

const ViewSwitch = ({ asJson, onChange }: { asJson: boolean; onChange: (json: boolean) => void }) => (
  <div className="segments" role="group" aria-label="View">
    <button type="button" aria-pressed={!asJson} onClick={() => onChange(false)}>Form</button>
    <button type="button" aria-pressed={asJson} onClick={() => onChange(true)}>JSON</button>
  </div>
);

function TextDifferences({ before, after }: { before: string; after: string }) {
  const [old, now] = [parseConfig(before).config, parseConfig(after).config];
  return old && now ? <Differences before={old} after={now} /> : <p className="muted">Your version is not whole JSON yet.</p>;
}

// The pointers of all settings that have a field.
const places = (text: string): Set<string> => {
  const config = parseConfig(text).config ?? {};
  const all = new Set<string>();
  const walk = (value: unknown, path: string[]) => {
    if (path.length > 0) all.add(`/config${pointerOf(path)}`);
    if (isObject(value)) for (const [key, inner] of Object.entries(value)) walk(inner, [...path, key]);
  };
  walk(config, []);
  return all;
};

/** Why it was not saved; what belongs to a field is said there. */
function Refused({ problem, known }: { problem: Problem | null; known: (pointer: string) => boolean }) {
  if (!problem) return null;
  return (
    <>
      <ErrorNotice error={problem} title="Not saved" />
      {problem.fields.filter((one) => !known(one.pointer)).map((one) => <p key={one.pointer} className="small wrap-anywhere"><code>{one.pointer}</code>: {one.detail}</p>)}
    </>
  );
}

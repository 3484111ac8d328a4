import { useState } from 'react';
import { asProblem } from '../../api/problem';
import { roleReaches } from '../../api/types';
import { useSession } from '../../app/guards';
import { Button, Card, ErrorNotice, Notice, TextAreaField, TextField, toast } from '../../ui';
import { ConflictNotice } from './conflict_notice';
import type { TabProps } from './index';
import { allowing, allows, PERMISSIONS, permissionsFrom, type Draft } from './permission_draft';
import { ReviewDialog } from './review_dialog';
import { ScopeRows } from './scope_rows';
import { PermissionChanges, Sentences } from './sentences';
import { Suggested } from './suggested';
import { useAgentPart } from './use_agent_part';

export default function Permissions(props: TabProps) {
  const { agent } = props;
  const may = roleReaches(useSession().user.role, 'member');
  const edit = useAgentPart(props, PERMISSIONS);
  const { draft, dirty } = edit;
  const [reviewing, setReviewing] = useState(false);
  const set = (change: Partial<Draft>) => edit.set({ ...draft, ...change });
  const next = permissionsFrom(draft);
  const problem = edit.error ? asProblem(edit.error) : null;
  const wrong = (pointer: string) => problem?.at(`/permissions${pointer}`);

  async function save() {
    if (await edit.save() === 'saved') toast.good('Saved. It holds within a second.');
  }

  return (
    <div className="overview">
      <div className="stack-5">
        {!may && <Notice tone="info">Your role can read these permissions, not change them.</Notice>}
        <ConflictNotice edit={edit} show={(theirs, mine) => <PermissionChanges before={permissionsFrom(theirs)} after={permissionsFrom(mine)} />} />
        {problem && <ErrorNotice error={problem} title="Not saved" />}
        <Suggested agentId={agent.id} allowed={(one) => allows(draft, one)} allow={may ? (one) => edit.set(allowing(draft, one)) : null} />
        <Card title="What it may use" hint="Where a limit is empty, the number in grey holds."><ScopeRows draft={draft} set={set} may={may} wrong={wrong} /></Card>
        <Card title="Domains and money">
          <div className="stack">
            <TextAreaField label="Domains it may call" rows={4} spellCheck={false} className="mono" value={draft.domains} disabled={!may} placeholder={'api.example.com\n*.example.org'}
              hint="One a line. “*.” in front takes all subdomains. They count only with “Other websites and APIs”." error={wrong('/allowedDomains')} onChange={(event) => set({ domains: event.target.value })} />
            <TextField label="Model spend a day, in US dollars" type="number" min={0} step="0.01" inputMode="decimal" value={draft.cap} disabled={!may} placeholder="what your plan allows"
              hint="A hard cap. 0: no model call at all. Days begin at midnight UTC." error={wrong('/maxDailyTokenSpend')} onChange={(event) => set({ cap: event.target.value })} />
          </div>
        </Card>
      </div>
      <div className="stack-5 sticky-side">
        <Card title="In words" foot={may && <>
          <Button disabled={!dirty} onClick={edit.undo}>Undo</Button>
          <Button variant="primary" disabled={!dirty || edit.theirs !== null} busy={edit.busy} onClick={() => setReviewing(true)}>Review and save</Button>
        </>}>
          <Sentences permissions={next} />
        </Card>
      </div>
      {reviewing && (
        <ReviewDialog title="Save these permissions?" action="Save" agentId={agent.id} before={permissionsFrom(edit.base)} after={next} onClose={() => setReviewing(false)} onSave={save} />
      )}
    </div>
  );
}

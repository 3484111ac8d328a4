// Development only: every primitive in one place, to look at in light, dark and narrow windows.

import { useState } from 'react';
import { AloneLayout } from '../../app/alone_layout';
import {
  Badge, Button, Card, Checkbox, Choices, Code, CodeInput, ConfirmDialog, CopyButton, EmptyState, IconAgent, IconMore, IconPlus, IconTrash,
  Menu, MenuItem, MenuLine, Notice, Pair, Pairs, SecretField, SelectField, Skeleton, Status, Switch, Table, TextAreaField, TextField, Time, toast,
} from '../../ui';

const rows = [{ name: 'mail', cpu: 0.2, at: new Date(Date.now() - 90_000).toISOString() }, { name: 'chat', cpu: 1.4, at: new Date().toISOString() }];

export default function Kit() {
  const [choice, setChoice] = useState<'a' | 'b' | null>('a');
  const [on, setOn] = useState(true);
  const [code, setCode] = useState('12');
  const [confirm, setConfirm] = useState(false);
  return (
    <AloneLayout title="Kit" lead="Every primitive, once." wide>
      <Card title="Buttons" hint="Four looks, three sizes">
        <div className="row-wrap">
          <Button variant="primary">Primary</Button><Button>Secondary</Button><Button variant="ghost">Ghost</Button>
          <Button variant="danger" onClick={() => setConfirm(true)}><IconTrash />Delete…</Button><Button busy>Busy</Button><Button disabled>Disabled</Button>
          <Button size="small"><IconPlus size={14} />Small</Button><Button size="large">Large</Button>
          <Menu label="More" trigger={<IconMore />} iconOnly><MenuItem onSelect={() => toast.good('Restarted.')}>Restart</MenuItem><MenuLine /><MenuItem danger>Delete</MenuItem></Menu>
          <CopyButton text="copied" />
        </div>
      </Card>
      <Card title="Fields">
        <div className="stack">
          <TextField label="Name" hint="Letters and digits." defaultValue="assistant" />
          <TextField label="Name" error="This name is taken." defaultValue="mail" />
          <SecretField label="API key" placeholder="sk-…" className="input-secret" />
          <SelectField label="Model"><option>gpt-5.4-mini</option></SelectField>
          <TextAreaField label="Notes" optional />
          <Choices legend="Runtime" value={choice} onChange={setChoice} choices={[{ value: 'a', title: <>OpenClaw <Badge tone="accent">recommended</Badge></>, hint: 'The full agent.' }, { value: 'b', title: 'PicoClaw', hint: 'Small and quick.' }]} />
          <Checkbox label="I have saved them" hint="They are shown once." checked={on} onChange={setOn} />
          <Switch label="Follow" checked={on} onChange={setOn} />
          <CodeInput value={code} onChange={setCode} />
        </div>
      </Card>
      <Card title="Status">
        <div className="stack">
          <div className="row-wrap"><Status tone="good">Running</Status><Status tone="busy">Starting</Status><Status tone="warn">Degraded</Status><Status tone="bad">Error</Status><Status tone="idle">Stopped</Status></div>
          <div className="row-wrap"><Badge>plain</Badge><Badge tone="accent">accent</Badge><Badge tone="good">good</Badge><Badge tone="warn">warn</Badge><Badge tone="bad">bad</Badge></div>
          <Notice tone="info" title="Note">Something to know.</Notice>
          <Notice tone="good">It worked.</Notice>
          <Notice tone="warn" title="Careful">This costs money.</Notice>
          <Notice tone="bad" title="That did not work" action={<Button size="small">Try again</Button>}>The server did not answer.</Notice>
          <Skeleton />
          <Pairs><Pair name="Runtime">OpenClaw</Pair><Pair name="Created"><Time at={rows[0]?.at ?? ''} /></Pair></Pairs>
          <Code>{'line one\nline two'}</Code>
          <Button onClick={() => toast.bad('The server refused this.')}>Toast</Button>
        </div>
      </Card>
      <Table caption="Agents" rows={rows} rowKey={(row) => row.name} columns={[
        { id: 'name', title: 'Name', cell: (row) => row.name, sortBy: (row) => row.name },
        { id: 'cpu', title: 'CPU', cell: (row) => row.cpu, sortBy: (row) => row.cpu, align: 'right' },
        { id: 'at', title: 'Last action', cell: (row) => <Time at={row.at} />, sortBy: (row) => row.at },
      ]} />
      <Card><EmptyState icon={<IconAgent size={20} />} title="No agents yet" actions={<Button variant="primary">Deploy an agent</Button>}>An agent runs in its own box.</EmptyState></Card>
      <ConfirmDialog open={confirm} onClose={() => setConfirm(false)} title="Delete mail?" action="Delete" danger typeToConfirm="mail" onConfirm={() => {}}>
        <p>Its container, files and credentials are deleted. This cannot be undone.</p>
      </ConfirmDialog>
    </AloneLayout>
  );
}

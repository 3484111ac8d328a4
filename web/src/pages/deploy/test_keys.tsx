import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { credentialsQuery } from '../../api/queries';
import { roleReaches } from '../../api/types';
import { TestButton, TestResultPlace, type TestResult } from '../../app/credential_test';
import { useSession } from '../../app/guards';
import { Card } from '../../ui';
import { CHANNELS } from './channels';
import { PROVIDERS } from './providers';

/** Offers to try the keys that the wizard stored, those that can be tried. */
export function TestKeys({ agentId }: { agentId: string }) {
  const { user } = useSession();
  const may = roleReaches(user.role, 'admin');
  // Without the list there is no offer; the agent's page has it too.
  const { data = [] } = useQuery({ ...credentialsQuery(agentId), enabled: may });
  const keys = data.filter((one) => one.testable);
  if (!may || keys.length === 0) return null;
  return (
    <Card title="Test the keys" hint="Each service is asked whether it takes the key. Nothing is changed there and no money is spent.">
      <ul className="stack">{keys.map((key) => <TestedKey key={key.name} agentId={agentId} name={key.name} title={titleOf(key.kind) ?? key.name} host={key.hosts[0] ?? ''} />)}</ul>
    </Card>
  );
}

/** What the wizard calls the service of this kind of key. */
const titleOf = (kind: string) => PROVIDERS.find((one) => one.kind === kind)?.title ?? CHANNELS.find((one) => one.secrets.some((secret) => secret.kind === kind))?.title;

function TestedKey({ agentId, name, title, host }: { agentId: string; name: string; title: string; host: string }) {
  const [result, setResult] = useState<TestResult | null>(null);
  return (
    <li className="stack-1">
      <div className="row-between"><span className="wrap-anywhere"><strong>{title}</strong> <span className="muted small mono">{host}</span></span><TestButton agentId={agentId} name={name} onResult={setResult} /></div>
      <TestResultPlace result={result} />
    </li>
  );
}

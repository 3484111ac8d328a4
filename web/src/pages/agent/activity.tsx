import { AuditViewer } from '../audit/viewer';
import type { TabProps } from './index';

export default function Activity({ agent }: TabProps) {
  return <AuditViewer agentId={agent.id} />;
}

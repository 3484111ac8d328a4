import { Page } from '../../app/page';
import { AuditViewer } from './viewer';

export default function Audit() {
  return (
    <Page title="Audit log" lead="Everything that people and agents did here, and everything that was refused. Nobody can change it.">
      <AuditViewer />
    </Page>
  );
}

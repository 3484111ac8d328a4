import { Page } from '../../app/page';

export default function Index() {
  return <Page title="Audit log"><p className="muted">This page is being built.</p></Page>;
}

import { Page } from '../../app/page';

export default function Index() {
  return <Page title="API keys"><p className="muted">This page is being built.</p></Page>;
}

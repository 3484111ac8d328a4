import { Page } from '../../app/page';

export default function ProgressPage() {
  return <Page title="Deploying">…</Page>;
}

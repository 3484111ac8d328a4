import { AloneLayout } from '../../app/alone_layout';

export default function Index() {
  return <AloneLayout title="login">…</AloneLayout>;
}

import { useState } from 'react';
import { Button, Checkbox, CopyButton, Dialog, Notice } from '../../ui';

export type FreshSecret = { name: string; secret: string };

/** The one time that a key's secret is shown. Closing it by accident asks first. */
export function SecretDialog({ fresh, onClose }: { fresh: FreshSecret; onClose: () => void }) {
  const [kept, setKept] = useState(false);
  const [leaving, setLeaving] = useState(false);
  return (
    <Dialog open onClose={() => (kept ? onClose() : setLeaving(true))} title={`Your key “${fresh.name}”`}>
      <p>Copy it now. It is shown only this once: we keep a fingerprint of it, not the key.</p>
      <div className="key-secret" role="group" aria-label="The key">{fresh.secret}</div>
      <div className="row-wrap"><CopyButton text={fresh.secret} label="Copy the key" size="medium" /></div>
      <p className="muted small">Programs send it as <span className="mono">Authorization: Bearer …</span></p>
      <Checkbox label="I have stored it" hint="In a secrets store, not in a mail or a chat." checked={kept} onChange={setKept} />
      {leaving && !kept && (
        <Notice tone="warn" title="It cannot be shown again" action={<Button size="small" onClick={onClose}>Close anyway</Button>}>Without a copy you have to revoke it and create another.</Notice>
      )}
      <div className="dialog-actions"><Button variant="primary" disabled={!kept} onClick={onClose}>Done</Button></div>
    </Dialog>
  );
}

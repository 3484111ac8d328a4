import { useState } from 'react';
import { raw } from '../../api/client';
import type { AdminClientDetail } from '../../api/contract';
import { ConfirmDialog, TextField } from '../../ui';
import { clientPath } from './queries';

export function SuspendDialog({ client, onClose, onDone }: { client: AdminClientDetail; onClose: () => void; onDone: () => Promise<unknown> }) {
  const [reason, setReason] = useState('');
  return (
    <ConfirmDialog open onClose={onClose} title={`Suspend ${client.name}?`} action="Suspend" danger typeToConfirm={client.name} onConfirm={async () => {
      await raw('POST', `${clientPath(client.id)}/suspend`, { reason: reason.trim() });
      await onDone();
    }}>
      <p>All its agents stop and reach nothing. Its members can sign in and read, and change nothing. Nothing is deleted.</p>
      <TextField label="Reason" optional maxLength={300} value={reason} hint="Kept with the client and in its audit log." onChange={(event) => setReason(event.target.value)} />
    </ConfirmDialog>
  );
}

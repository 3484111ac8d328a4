import { useState } from 'react';
import { roleReaches } from '../../api/types';
import { useSession } from '../../app/guards';
import { Page } from '../../app/page';
import { Button, IconPlus } from '../../ui';
import { Invitations } from './invitations';
import { InviteDialog } from './invite_dialog';
import { Members } from './members';

export default function Team() {
  const { user, client } = useSession();
  const [inviting, setInviting] = useState(false);
  const may = roleReaches(user.role, 'admin');
  return (
    <Page title="Team" lead={<>Who works with the agents of {client.name}, and what each may do.</>}
      actions={may && <Button variant="primary" onClick={() => setInviting(true)}><IconPlus />Invite somebody</Button>}>
      <Members may={may} />
      {may && <Invitations onInvite={() => setInviting(true)} />}
      {inviting && <InviteDialog onClose={() => setInviting(false)} />}
    </Page>
  );
}

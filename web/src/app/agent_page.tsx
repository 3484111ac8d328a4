import { useMutation } from '@tanstack/react-query';
import { api, ok } from '../api/client';
import { Button } from '../ui/button';
import { IconExternal } from '../ui/icons';

/** Opens the agent's own page in a tab of its own, with a ticket that works once. */
export function OpenAgentPage({ id, variant, label = 'Open its own page' }: { id: string; variant?: 'primary' | 'secondary'; label?: string }) {
  const open = useMutation({
    mutationFn: () => ok(api.POST('/api/agents/{id}/page-ticket', { params: { path: { id } } })),
    onSuccess: ({ url }) => { window.open(url, '_blank', 'noopener'); },
  });
  return <Button variant={variant} busy={open.isPending} onClick={() => open.mutate()}><IconExternal size={14} />{label}</Button>;
}

import { queryOptions, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { api, ok } from '../../api/client';
import { Badge, Button, Card, ErrorNotice, Skeleton, Time, toast } from '../../ui';

export const sessionsQuery = queryOptions({
  queryKey: ['sessions'],
  queryFn: async () => (await ok(api.GET('/api/auth/sessions'))).items,
});

/** "Chrome on Linux" from a user agent; the whole text when it is not known. */
export function deviceName(text: string): string {
  const browser = /Edg\//.test(text) ? 'Edge' : /Firefox\//.test(text) ? 'Firefox' : /Chrome\//.test(text) ? 'Chrome' : /Safari\//.test(text) ? 'Safari' : null;
  const system = /iPhone|iPad/.test(text) ? 'iOS' : /Android/.test(text) ? 'Android' : /Windows/.test(text) ? 'Windows'
    : /Mac OS X/.test(text) ? 'macOS' : /Linux/.test(text) ? 'Linux' : null;
  if (browser) return system ? `${browser} on ${system}` : browser;
  return text.slice(0, 80) || 'Unknown device';
}

export function Sessions() {
  const queries = useQueryClient();
  const { data: sessions, error, refetch } = useQuery(sessionsQuery);
  const changed = (text: string) => {
    toast.good(text);
    void queries.invalidateQueries({ queryKey: sessionsQuery.queryKey });
  };
  const end = useMutation({
    mutationFn: (id: string) => ok(api.DELETE('/api/auth/sessions/{id}', { params: { path: { id } } })),
    onSuccess: () => changed('Session ended.'),
  });
  const endOthers = useMutation({
    mutationFn: () => ok(api.DELETE('/api/auth/sessions')),
    onSuccess: () => changed('All other sessions have ended.'),
  });
  const others = (sessions?.length ?? 0) > 1;
  return (
    <Card title="Sessions" hint="Where you are signed in. End what you do not know."
      actions={others && <Button busy={endOthers.isPending} onClick={() => endOthers.mutate()}>End all others</Button>}>
      {error ? <ErrorNotice error={error} title="Sessions could not be loaded" retry={() => void refetch()} /> : !sessions ? <Skeleton label="Loading sessions" /> : (
        <ul className="session-list">
          {sessions.map((session) => (
            <li key={session.id} className="row-between">
              <div className="grow">
                <div className="row-wrap"><span className="wrap-anywhere" title={session.device}>{deviceName(session.device)}</span>{session.current && <Badge tone="accent">this one</Badge>}</div>
                <div className="muted small">{session.ip ?? 'unknown address'} · last seen <Time at={session.lastSeenAt} /> · since <Time at={session.createdAt} /></div>
              </div>
              {!session.current && (
                <Button size="small" busy={end.isPending && end.variables === session.id} onClick={() => end.mutate(session.id)}
                  aria-label={`End the session of ${deviceName(session.device)}`}>End</Button>
              )}
            </li>
          ))}
        </ul>
      )}
    </Card>
  );
}

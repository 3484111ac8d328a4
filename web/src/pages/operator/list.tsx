import { NotOffered } from '../../app/if_offered';
import type { ReactNode } from 'react';
import { asProblem } from '../../api/problem';
import { Paged, usePages } from '../../app/paged';
import { useParameters } from '../../app/use_parameters';
import { Button, EmptyState, IconSearch, SearchField, useSettled } from '../../ui';
import { Segments } from './words';

type Filter = { name: string; label: string; choices: Array<{ value: string; word: string }> };
type Props<T> = {
  /** The list's name in sentences, "clients", and its path below /api/admin. */
  what: string; path: string; placeholder: string; filter?: Filter; empty: ReactNode; children: (rows: T[]) => ReactNode;
};

/** A list of the operator: searched and filtered by the server, with both in the URL. */
export function OperatorList<T>({ what, path, placeholder, filter, empty, children }: Props<T>) {
  const [search, put] = useParameters();
  const q = search.get('q') ?? '';
  const chosen = filter?.choices.find(({ value }) => value === search.get(filter.name))?.value ?? '';
  const pages = usePages<T>(['admin', path], `/api/admin/${path}`, { q: useSettled(q.trim()), ...(filter ? { [filter.name]: chosen } : {}) });
  const status = asProblem(pages.error).status;
  if ([403, 404, 501].includes(status)) return <NotOffered offer={status === 403 ? 'refused' : 'absent'} title={`the list of ${what}`} />;
  return (
    <div className="stack">
      <div className="filters">
        <SearchField label={`Search ${what}`} placeholder={placeholder} value={q} onChange={(value) => put({ q: value })} />
        {filter && <Segments label={filter.label} value={chosen} choices={filter.choices} onChange={(value) => put({ [filter.name]: value })} />}
      </div>
      <Paged pages={pages} what={what} empty={q || chosen
        ? <EmptyState icon={<IconSearch size={20} />} title={`No ${what} fit`} actions={<Button onClick={() => put({ q: '', ...(filter ? { [filter.name]: '' } : {}) })}>Show all</Button>}>Look for something else, or take the filter away.</EmptyState>
        : empty}>
        {children}
      </Paged>
    </div>
  );
}

// Lists that come page by page, with the states that every one of them has.

import { keepPreviousData, useInfiniteQuery, type QueryKey } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { raw } from '../api/client';
import type { Page } from '../api/types';
import { Button } from '../ui/button';
import { Skeleton } from '../ui/display';
import { ErrorNotice } from '../ui/notice';

const SIZE = 50;

/** A list of the API by cursor. `filters` go into the query; the rows of the filters before stay until the new ones are here. */
export function usePages<T>(queryKey: QueryKey, path: string, filters: Record<string, string> = {}) {
  return useInfiniteQuery({
    queryKey: [...queryKey, filters],
    queryFn: ({ pageParam, signal }) => {
      const given = Object.entries({ ...filters, limit: String(SIZE), cursor: pageParam }).filter(([, value]) => value !== '');
      return raw<Page<T>>('GET', `${path}?${new URLSearchParams(given)}`, undefined, {}, signal);
    },
    initialPageParam: '',
    getNextPageParam: (page) => page.nextCursor ?? undefined,
    placeholderData: keepPreviousData,
  });
}
type Pages<T> = ReturnType<typeof usePages<T>>;

/** `what` is the list's name in sentences: "members". */
export function Paged<T>({ pages, what, empty, children }: { pages: Pages<T>; what: string; empty: ReactNode; children: (rows: T[]) => ReactNode }) {
  const rows = pages.data?.pages.flatMap((page) => page.items);
  const failed = pages.error && <ErrorNotice error={pages.error} title={rows ? `More ${what} could not be loaded` : `The ${what} could not be loaded`}
    retry={() => void (rows && pages.isFetchNextPageError ? pages.fetchNextPage() : pages.refetch())} />;
  if (!rows) return failed || <Skeleton label={`Loading ${what}`} />;
  return (
    <div className="stack" aria-busy={pages.isPlaceholderData || undefined}>
      {rows.length > 0 ? children(rows) : !pages.isPlaceholderData && !failed && empty}
      {failed}
      {pages.hasNextPage && !failed && (
        <div className="row-center"><Button busy={pages.isFetchingNextPage} onClick={() => void pages.fetchNextPage()}>More {what}</Button></div>
      )}
      <p className="sr-only" role="status">{pages.isPlaceholderData ? '' : `${rows.length} ${what} shown${pages.hasNextPage ? ', there are more' : ''}`}</p>
    </div>
  );
}

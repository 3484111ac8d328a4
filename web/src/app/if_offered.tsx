import type { ReactNode } from 'react';
import { useBranding, useFeature, type Feature, type Offer } from '../api/queries';
import { ButtonLink } from '../ui/button';
import { EmptyState, Skeleton } from '../ui/display';
import { IconInfo } from '../ui/icons';
import { ErrorNotice } from '../ui/notice';
import { Page } from './page';

/** Shows a page where the server offers it to this user, and says plainly where it does not. */
export function IfOffered({ feature, title, children }: { feature: Feature; title: string; children: ReactNode }) {
  const { data: offer, error, refetch } = useFeature(feature);
  if (offer === 'offered') return children;
  return (
    <Page title={title}>
      {offer ? <NotOffered offer={offer} title={title} />
        : error ? <ErrorNotice error={error} title="The page could not be loaded" retry={() => void refetch()} /> : <Skeleton label="Loading the page" />}
    </Page>
  );
}

export function NotOffered({ offer, title }: { offer: Exclude<Offer, 'offered'>; title: string }) {
  const { name, supportEmail } = useBranding();
  const contact = supportEmail ? <> Ask <a href={`mailto:${supportEmail}`}>{supportEmail}</a>.</> : null;
  return (
    <EmptyState icon={<IconInfo size={20} />} title={offer === 'refused' ? 'This is not for your role' : `This server does not offer ${title}`}
      actions={<ButtonLink href="/agents">Go to your agents</ButtonLink>}>
      {offer === 'refused'
        ? 'Your role does not reach this page. An owner or admin of your account can change your role.'
        : <>Whoever runs {name} here has not turned it on, or runs an older version.{contact}</>}
    </EmptyState>
  );
}

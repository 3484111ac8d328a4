import { ButtonLink } from '../ui/button';
import { EmptyState } from '../ui/display';
import { IconSearch } from '../ui/icons';
import { Page } from './page';

export function NotFound() {
  return (
    <Page title="Page not found">
      <EmptyState icon={<IconSearch size={20} />} title="There is nothing at this address"
        actions={<ButtonLink href="/agents" variant="primary">Go to your agents</ButtonLink>}>
        It may have been deleted, or the link was cut short. Your role may also not reach it.
      </EmptyState>
    </Page>
  );
}

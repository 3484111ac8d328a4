// The six steps: what each shows, and what it checks before it lets go on. The server checks all of it
// again; its own words are shown beside the same fields.

import type { ComponentType } from 'react';
import type { Runtime } from '../../api/types';
import type { StepProps } from './index';
import { channelOf, permissionsOf, providerOf, type Draft, type Step } from './draft';
import { idsOf } from './channels';
import { ChannelStep } from './step_channel';
import { ModelStep } from './step_model';
import { PermissionsStep } from './step_permissions';
import { ReviewStep } from './step_review';
import { RuntimeStep } from './step_runtime';
import { SpendStep } from './step_spend';

export const TITLES: Record<Step, { short: string; title: string; lead: string }> = {
  runtime: { short: 'Agent', title: 'Name and kind', lead: 'What it is called, and which assistant it is.' },
  model: { short: 'Model', title: 'AI model', lead: 'What it thinks with. You pay the provider, with a key of your own account there.' },
  channel: { short: 'Channel', title: 'Where people talk to it', lead: 'Connect one chat now; more can follow later.' },
  permissions: { short: 'Permissions', title: 'What it may do', lead: 'Everything that is not granted here is refused, whatever the agent is told.' },
  spend: { short: 'Spend', title: 'How much it may spend', lead: 'A hard limit per day, over all models.' },
  review: { short: 'Review', title: 'Check and deploy', lead: 'You can change all of this later.' },
};

type Errors = Record<string, string>;
type StepView = { View: ComponentType<StepProps>; check: (draft: Draft, runtime: Runtime | undefined) => Errors };

const DOMAIN = /^(\*\.)?([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z0-9-]{2,}(:\d{1,5})?$/i;

function checkRuntime(draft: Draft, runtime: Runtime | undefined): Errors {
  const errors: Errors = {};
  if (draft.name.trim() === '') errors['/name'] = 'Give it a name.';
  if (!runtime) errors['/runtime'] = 'Choose a kind.';
  return errors;
}

function checkModel(draft: Draft): Errors {
  const errors: Errors = {};
  if (!providerOf(draft)) return errors;
  if (draft.modelKey.trim().length < 8) errors['/credentials/model'] = 'Paste the key, or choose “Decide later”.';
  if (draft.model.trim() === '') errors['/config/models'] = 'Name a model.';
  return errors;
}

function checkChannel(draft: Draft): Errors {
  const errors: Errors = {};
  const channel = channelOf(draft);
  for (const secret of channel?.secrets ?? []) {
    if ((draft.channelSecrets[secret.name] ?? '').trim().length < 8) errors[`/credentials/${secret.name}`] = 'Paste the token, or choose “No channel yet”.';
  }
  const strange = idsOf(draft.people).find((id) => channel?.people && !channel.people.shape.test(id));
  if (strange) errors['/config/channels'] = `“${strange}” does not fit: it should look like ${channel?.people?.example}.`;
  return errors;
}

function checkPermissions(draft: Draft): Errors {
  const errors: Errors = {};
  if (draft.preset !== 'custom' || !permissionsOf(draft).scopes.includes('api:outbound')) return errors;
  const strange = idsOf(draft.domains).find((domain) => !DOMAIN.test(domain));
  if (strange) errors['/permissions/allowedDomains'] = `“${strange}” is not a domain like api.example.com or *.example.com.`;
  return errors;
}

function checkSpend(draft: Draft): Errors {
  const amount = Number(draft.spend);
  const good = draft.spend.trim() !== '' && Number.isFinite(amount) && amount >= 0 && amount <= 100_000;
  return good ? {} : { '/permissions/maxDailyTokenSpend': 'Enter an amount in dollars, from 0 to 100,000.' };
}

export const STEP_VIEWS: Record<Step, StepView> = {
  runtime: { View: RuntimeStep, check: checkRuntime },
  model: { View: ModelStep, check: checkModel },
  channel: { View: ChannelStep, check: checkChannel },
  permissions: { View: PermissionsStep, check: checkPermissions },
  spend: { View: SpendStep, check: checkSpend },
  review: {
    View: ReviewStep,
    check: (draft, runtime) => ({ ...checkRuntime(draft, runtime), ...checkModel(draft), ...checkChannel(draft), ...checkPermissions(draft), ...checkSpend(draft) }),
  },
};

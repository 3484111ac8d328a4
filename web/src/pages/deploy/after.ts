import { CHANNELS, type Channel } from './channels';

/** The chat that an agent's config connects, if it is one that the wizard knows. */
export function channelOfConfig(config: Record<string, unknown>): Channel | undefined {
  const channels = config.channels;
  if (typeof channels !== 'object' || channels === null) return undefined;
  return CHANNELS.find((channel) => channel.id in channels);
}

// The chat services that the wizard can connect: what the customer does there, in words, and what
// OpenClaw needs to know (its own documentation: docs/channels).

export type ChannelSecret = { name: string; kind: string; label: string; shape: RegExp; example: string };

export type Channel = {
  id: 'telegram' | 'slack' | 'discord' | 'whatsapp';
  title: string;
  hint: string;
  steps: string[];
  secrets: ChannelSecret[];
  /** Who may write to it, as ids of that service; null: the channel asks for none. */
  people: { label: string; hint: string; shape: RegExp; example: string } | null;
  after: string;
};

export const CHANNELS: Channel[] = [
  {
    id: 'telegram', title: 'Telegram', hint: 'Quickest: a bot in two minutes.',
    steps: [
      'In Telegram, open a chat with @BotFather (check the name and its blue mark).',
      'Send /newbot, choose a name, then a user name that ends in “bot”.',
      'BotFather answers with a token like 7123456789:AAH… . Copy it here.',
    ],
    secrets: [{ name: 'telegram', kind: 'telegram', label: 'Bot token', shape: /^\d{6,12}:[\w-]{30,}$/, example: '7123456789:AAH…' }],
    people: { label: 'Telegram user ids that may use it', hint: 'Your own numeric id: write to @userinfobot and it tells you. Separate several with commas.', shape: /^\d{4,15}$/, example: '123456789' },
    after: 'Write to your bot in Telegram; it answers.',
  },
  {
    id: 'slack', title: 'Slack', hint: 'For a team’s workspace.',
    steps: [
      'Open api.slack.com/apps, choose “Create New App”, then “From a manifest”, and your workspace.',
      'Use OpenClaw’s manifest (its documentation, page “Slack setup”), then Create.',
      'Under “Basic Information”, section “App-Level Tokens”, make a token with the scope connections:write. It begins with xapp-.',
      'Under “Install App”, install it to the workspace and copy the “Bot User OAuth Token”. It begins with xoxb-.',
    ],
    secrets: [
      { name: 'slack', kind: 'slack', label: 'Bot token', shape: /^xoxb-[\w-]{20,}$/, example: 'xoxb-…' },
      { name: 'slack-app', kind: 'slack-app', label: 'App-level token', shape: /^xapp-[\w-]{20,}$/, example: 'xapp-…' },
    ],
    people: { label: 'Slack member ids that may write to it directly', hint: 'In Slack: a profile, the three dots, “Copy member ID”. Separate several with commas.', shape: /^[UW][A-Z0-9]{6,}$/, example: 'U0123ABCD' },
    after: 'Invite the app to a channel with /invite, then mention it.',
  },
  {
    id: 'discord', title: 'Discord', hint: 'For a server or a community.',
    steps: [
      'Open discord.com/developers/applications, choose “New Application”, then “Bot” at the side.',
      'Under “Privileged Gateway Intents”, switch on “Message Content Intent” and “Server Members Intent”.',
      'Choose “Reset Token” and copy the token here.',
      'Under “OAuth2”, URL Generator: scopes bot and applications.commands; permissions View Channels, Send Messages, Read Message History. Open the URL and add the bot to your server.',
    ],
    secrets: [{ name: 'discord', kind: 'discord', label: 'Bot token', shape: /^[\w-]{20,}\.[\w-]{4,}\.[\w-]{20,}$/, example: 'MTIz….G….…' }],
    people: { label: 'Discord user ids that may write to it directly', hint: 'Switch on Developer Mode (Settings, Advanced), then right-click a name: “Copy User ID”. Separate several with commas.', shape: /^\d{15,21}$/, example: '123456789012345678' },
    after: 'Send the bot a direct message, or mention it in a channel.',
  },
  {
    id: 'whatsapp', title: 'WhatsApp', hint: 'Linked with a phone; a number of its own is best.',
    steps: [
      'Nothing to paste now: WhatsApp is linked by a QR code once the agent runs.',
      'After the deployment, open the agent’s own page, “Channels”, “WhatsApp”, and choose “Link”.',
      'On the phone: WhatsApp, Settings, “Linked devices”, “Link a device”, and scan the code.',
    ],
    secrets: [],
    people: { label: 'Phone numbers that may use it', hint: 'With country code. Separate several with commas.', shape: /^\+\d{7,15}$/, example: '+15551234567' },
    after: 'Link the phone on the agent’s own page, then write to its number.',
  },
];

/** "a, b" → ["a", "b"], each once. */
export const idsOf = (text: string): string[] => [...new Set(text.split(/[\s,;]+/).filter(Boolean))];

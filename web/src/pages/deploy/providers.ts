// The model providers that the wizard can set up for OpenClaw. A provider is offered when the server
// has its kind of credential.

export type Provider = {
  /** Kind of credential, and the provider's name in OpenClaw's config. */
  kind: string;
  title: string;
  keyShape: RegExp;
  keyExample: string;
  keyPage: string;
  api: 'openai-completions' | 'anthropic-messages' | 'google-generative-ai';
  baseUrl: string;
  models: string[];
  contextWindow: number;
};

export const PROVIDERS: Provider[] = [
  { kind: 'openai', title: 'OpenAI', keyShape: /^sk-[\w-]{20,}$/, keyExample: 'sk-…', keyPage: 'platform.openai.com/api-keys',
    api: 'openai-completions', baseUrl: 'https://api.openai.com/v1', models: ['gpt-5.4-mini', 'gpt-5.4', 'gpt-5.5', 'gpt-5.4-nano'], contextWindow: 200_000 },
  { kind: 'anthropic', title: 'Anthropic', keyShape: /^sk-ant-[\w-]{20,}$/, keyExample: 'sk-ant-…', keyPage: 'platform.claude.com/settings/keys',
    api: 'anthropic-messages', baseUrl: 'https://api.anthropic.com', models: ['claude-sonnet-4-6', 'claude-opus-4-7', 'claude-haiku-4-5'], contextWindow: 200_000 },
  { kind: 'gemini', title: 'Google Gemini', keyShape: /^AIza[\w-]{30,}$/, keyExample: 'AIza…', keyPage: 'aistudio.google.com/apikey',
    api: 'google-generative-ai', baseUrl: 'https://generativelanguage.googleapis.com/v1beta', models: ['gemini-2.5-flash', 'gemini-2.5-pro', 'gemini-3.1-pro-preview'], contextWindow: 200_000 },
  { kind: 'openrouter', title: 'OpenRouter', keyShape: /^sk-or-[\w-]{20,}$/, keyExample: 'sk-or-…', keyPage: 'openrouter.ai/settings/keys',
    api: 'openai-completions', baseUrl: 'https://openrouter.ai/api/v1', models: ['anthropic/claude-sonnet-4.6', 'openai/gpt-5.4-mini', 'google/gemini-2.5-flash'], contextWindow: 128_000 },
  { kind: 'mistral', title: 'Mistral', keyShape: /^[A-Za-z0-9]{24,}$/, keyExample: '32 letters and digits', keyPage: 'console.mistral.ai/api-keys',
    api: 'openai-completions', baseUrl: 'https://api.mistral.ai/v1', models: ['mistral-large-latest', 'mistral-medium-latest', 'mistral-small-latest'], contextWindow: 128_000 },
  { kind: 'groq', title: 'Groq', keyShape: /^gsk_\w{20,}$/, keyExample: 'gsk_…', keyPage: 'console.groq.com/keys',
    api: 'openai-completions', baseUrl: 'https://api.groq.com/openai/v1', models: ['llama-3.3-70b-versatile', 'openai/gpt-oss-120b', 'qwen/qwen3-32b'], contextWindow: 128_000 },
  { kind: 'xai', title: 'xAI', keyShape: /^xai-\w{20,}$/, keyExample: 'xai-…', keyPage: 'console.x.ai',
    api: 'openai-completions', baseUrl: 'https://api.x.ai/v1', models: ['grok-4', 'grok-4-fast', 'grok-3-mini'], contextWindow: 128_000 },
  { kind: 'deepseek', title: 'DeepSeek', keyShape: /^sk-\w{20,}$/, keyExample: 'sk-…', keyPage: 'platform.deepseek.com/api_keys',
    api: 'openai-completions', baseUrl: 'https://api.deepseek.com/v1', models: ['deepseek-chat', 'deepseek-reasoner'], contextWindow: 64_000 },
];

/** What looks wrong about a key, or null. A hint only: providers change their shapes. */
export function keyDoubt(provider: Provider, key: string): string | null {
  if (key === '') return null;
  if (key !== key.trim() || /\s/.test(key)) return 'There is a space or line break in the key.';
  if (provider.keyShape.test(key)) return null;
  const other = PROVIDERS.find((one) => one.kind !== provider.kind && one.kind !== 'mistral' && one.keyShape.test(key));
  return other ? `This looks like a key of ${other.title}.` : `Keys of ${provider.title} usually look like “${provider.keyExample}”. Check that you copied all of it.`;
}

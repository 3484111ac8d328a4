// Every page of the dashboard: where it is, and when it is there. The tests of accessibility and
// ./dev screens go through this list; a new page gets a line here.

const heading = (name) => (page) => page.getByRole('heading', { name, level: 1 }).waitFor();
const step = (number) => async (page) => {
  const next = page.getByRole('button', { name: 'Continue' });
  await page.getByLabel('Name', { exact: true }).fill('Inbox assistant');
  for (let i = 1; i < number; i += 1) {
    await next.click();
    if (i === 1) await page.getByLabel('OpenAI API key').fill('sk-test-abcdefghijklmnopqrstuvwxyz0123');
    if (i === 2) {
      await page.getByRole('radio', { name: 'Telegram', exact: true }).check();
      await page.getByLabel('Telegram: bot token').fill('7123456789:AArealTelegramToken_abcdefghijklmnop');
    }
    if (i === 3) await page.getByRole('radio', { name: 'E-mail assistant', exact: true }).check();
  }
};

// A tab of an agent's page, and what is there once it is filled.
const agentTab = (tab, sign) => ({ name: `agent-${tab || 'overview'}`, path: ({ agent }) => `/agents/${agent}${tab && `/${tab}`}`, ready: (page) => page.getByText(sign).first().waitFor() });

export const pages = [
  { name: 'login', path: () => '/login', ready: heading(/Sign in/), signedOut: true },
  { name: 'register', path: () => '/register', ready: heading('Create your account'), signedOut: true },
  { name: 'agents', path: () => '/agents', ready: heading('Agents') },
  { name: 'deploy-1-runtime', path: () => '/agents/new', ready: step(1) },
  { name: 'deploy-2-model', path: () => '/agents/new', ready: step(2) },
  { name: 'deploy-3-channel', path: () => '/agents/new', ready: step(3) },
  { name: 'deploy-4-permissions', path: () => '/agents/new', ready: step(4) },
  { name: 'deploy-5-spend', path: () => '/agents/new', ready: step(5) },
  { name: 'deploy-6-review', path: () => '/agents/new', ready: step(6) },
  { name: 'deploying', path: ({ agent }) => `/agents/${agent}/deploying?first`, ready: (page) => page.getByText('It is live').waitFor() },
  agentTab('', 'Restarts'),
  agentTab('activity', 'Deployment live'),
  agentTab('output', 'probe: listening'),
  agentTab('permissions', 'In words'),
  agentTab('credentials', /credential/i),
  agentTab('deployments', 'holds now'),
  { ...agentTab('deployments', ''), name: 'agent-deployment', ready: async (page) => {
    await page.locator('summary').first().click();
    await page.getByText('The first version.').waitFor();
  } },
  agentTab('settings', 'Delete this agent'),
  { name: 'agent-settings-json', path: ({ agent }) => `/agents/${agent}/settings?view=json`, ready: (page) => page.getByLabel('As JSON').waitFor() },
  { name: 'approvals', path: () => '/approvals', ready: (page) => page.getByText('Nothing waits for you').waitFor() },
  { name: 'audit', path: () => '/audit', ready: heading('Audit log') },
  { name: 'security', path: () => '/security', ready: (page) => page.getByText('this one').waitFor() },
  { name: 'not-found', path: () => '/nothing/here', ready: heading('Page not found') },
];

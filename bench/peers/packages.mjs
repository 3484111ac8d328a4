// Installs the Debian packages a peer needs, when a bench first asks for them. Their services are
// neither started now nor at the next boot: the bench runs its own copies with its own settings.

import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';

const POLICY = '/usr/sbin/policy-rc.d';

const installed = (name) => {
  const query = spawnSync('dpkg-query', ['-W', '-f', '${db:Status-Status}', name]);
  return query.status === 0 && query.stdout.toString() === 'installed';
};

// Installs what is missing of `names`; `services` are the systemd units they would enable.
export function installPackages(names, services = []) {
  const missing = names.filter((name) => !installed(name));
  if (missing.length === 0) return;
  if (process.getuid() !== 0) throw new Error(`root is needed to install ${missing.join(', ')}`);
  console.error(`  installing ${missing.join(', ')}`);
  const ours = !fs.existsSync(POLICY);
  if (ours) fs.writeFileSync(POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    const options = ['-q', '-o', 'DPkg::Lock::Timeout=300'];
    execFileSync('apt-get', ['update', ...options], { env, stdio: ['ignore', 'pipe', 'inherit'] });
    execFileSync('apt-get', ['install', '-y', '--no-install-recommends', ...options, ...missing],
      { env, stdio: ['ignore', 'pipe', 'inherit'], maxBuffer: 1 << 26 });
  } finally {
    if (ours) fs.rmSync(POLICY, { force: true });
  }
  if (fs.existsSync('/run/systemd/system')) {
    for (const unit of services) spawnSync('systemctl', ['disable', '--now', unit]);
  }
}

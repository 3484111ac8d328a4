// http-mitm-proxy from npm. It can only mint with RSA keys of an authority it made itself.

import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { makeFolder, startProgram } from '../program.mjs';

const folder = path.dirname(fileURLToPath(import.meta.url));

// Starts it on 127.0.0.1:`port`, trusting the authority `ca`. Answers {pids, stop, caFile: whom clients trust}.
export async function start(port, ca, _originPort) {
  if (!fs.existsSync(path.join(folder, 'node_modules'))) {
    execFileSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] });
  }
  const dir = makeFolder('http-mitm-proxy');
  const program = await startProgram(process.execPath, [path.join(folder, 'server.mjs')], { port, dir,
    env: { PORT: String(port), CA_DIR: dir, NODE_ENV: 'production', NODE_EXTRA_CA_CERTS: ca.certFile } });
  return { ...program, caFile: path.join(dir, 'certs/ca.pem') };
}

// mitmdump, the interceptor in Python. Bodies are streamed, flows are not kept, nothing is printed.

import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { installPackages } from '../packages.mjs';
import { makeFolder, startProgram } from '../program.mjs';

// Starts it on 127.0.0.1:`port`, trusting and minting with the authority `ca`. Answers {pids, stop}.
export async function start(port, ca, _originPort) {
  installPackages(['mitmproxy']);
  const dir = makeFolder('mitmproxy');
  fs.writeFileSync(path.join(dir, 'mitmproxy-ca.pem'), ca.key + ca.cert, { mode: 0o600 });
  const set = (option) => ['--set', option];
  return startProgram('mitmdump', [
    '--listen-host', '127.0.0.1', '--listen-port', String(port), '--quiet', '--no-http2',
    '--scripts', fileURLToPath(new URL('stream.py', import.meta.url)),
    ...set(`confdir=${dir}`), ...set(`ssl_verify_upstream_trusted_ca=${ca.certFile}`), ...set('flow_detail=0'),
    ...set('termlog_verbosity=error')], { port, dir, seconds: 60 });
}

// A certificate authority for tests, made with the openssl binary into a folder of its own.

import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';

const openssl = (...args) => execFileSync('openssl', args, { stdio: ['ignore', 'pipe', 'pipe'] });

const KEYS = {
  ec: ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256'],
  rsa: ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048'],
};

function makeKey(file, kind) {
  openssl('genpkey', ...KEYS[kind], '-out', file);
  fs.chmodSync(file, 0o600);
}

// Makes the authority in `dir`. Answers {certFile, keyFile, cert, key, issue}; cert and key are PEM text.
// `kind` is the kind of every key: 'ec' (P-256) or 'rsa' (2048 bits).
export function makeAuthority(dir, { kind = 'ec', name = 'DeployClaw test authority' } = {}) {
  fs.mkdirSync(dir, { recursive: true });
  const at = (file) => path.join(dir, file);
  const certFile = at('ca.pem');
  const keyFile = at('ca.key');
  makeKey(keyFile, kind);
  openssl('req', '-x509', '-new', '-sha256', '-key', keyFile, '-out', certFile, '-days', '30', '-subj', `/CN=${name}`,
    '-addext', 'basicConstraints=critical,CA:TRUE', '-addext', 'keyUsage=critical,keyCertSign,cRLSign');
  let serial = 0;

  // Issues a server certificate for host names and addresses (the first is its common name). Answers
  // {certFile, keyFile, cert, key}; the file holds the leaf alone. Faults for tests of verification:
  // `expired` ended yesterday, `selfSigned` is signed by its own key.
  function issue(hosts, { expired = false, selfSigned = false } = {}) {
    const id = ++serial;
    const files = { certFile: at(`leaf${id}.pem`), keyFile: at(`leaf${id}.key`) };
    const request = at(`leaf${id}.csr`);
    const extensions = at(`leaf${id}.ext`);
    const names = hosts.map((host) => (net.isIP(host) ? `IP:${host}` : `DNS:${host}`)).join(',');
    fs.writeFileSync(extensions, `basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\n` +
      `extendedKeyUsage=serverAuth\nsubjectAltName=${names}\n`);
    makeKey(files.keyFile, kind);
    openssl('req', '-new', '-key', files.keyFile, '-out', request, '-subj', `/CN=${hosts[0].slice(0, 64)}`);
    const signer = selfSigned ? ['-signkey', files.keyFile] : ['-CA', certFile, '-CAkey', keyFile];
    openssl('x509', '-req', '-sha256', '-in', request, ...signer, '-set_serial', String(1000 + id),
      '-extfile', extensions, '-out', files.certFile, '-days', expired ? '-1' : '29');
    return { ...files, cert: fs.readFileSync(files.certFile, 'utf8'), key: fs.readFileSync(files.keyFile, 'utf8') };
  }

  return { dir, certFile, keyFile, cert: fs.readFileSync(certFile, 'utf8'), key: fs.readFileSync(keyFile, 'utf8'), issue };
}

// Squid with ssl-bump: an interceptor in C++. No cache, no logs, one worker, name lookups from its own
// hosts file.

import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

import { installPackages } from '../packages.mjs';
import { makeFolder, startProgram } from '../program.mjs';

const USER = 'proxy';   // Debian's user for squid; it drops to it after reading the key

// Starts it on 127.0.0.1:`port`, trusting and minting with the authority `ca`. Answers {pids, stop}.
export async function start(port, ca, _originPort) {
  installPackages(['squid-openssl'], ['squid']);
  const dir = makeFolder('squid');
  const at = (name) => path.join(dir, name);
  fs.writeFileSync(at('hosts'), '127.0.0.1 localhost origin.test\n');
  fs.copyFileSync(ca.certFile, at('ca.pem'));
  fs.copyFileSync(ca.keyFile, at('ca.key'));
  execFileSync('/usr/lib/squid/security_file_certgen', ['-c', '-s', at('minted'), '-M', '4MB'], { stdio: 'ignore' });
  execFileSync('chown', ['-R', USER, dir]);
  fs.writeFileSync(at('squid.conf'), `
http_port 127.0.0.1:${port} ssl-bump generate-host-certificates=on dynamic_cert_mem_cache_size=4MB tls-cert=${at('ca.pem')} tls-key=${at('ca.key')}
sslcrtd_program /usr/lib/squid/security_file_certgen -s ${at('minted')} -M 4MB
sslcrtd_children 2 startup=1 idle=1
tls_outgoing_options cafile=${at('ca.pem')}
acl first at_step SslBump1
ssl_bump peek first
ssl_bump bump all
http_access allow all
hosts_file ${at('hosts')}
cache deny all
cache_mem 8 MB
memory_pools on
access_log none
cache_store_log none
cache_log /dev/null
logfile_rotate 0
pid_filename ${at('squid.pid')}
coredump_dir ${dir}
cache_effective_user ${USER}
max_filedescriptors 16384
shutdown_lifetime 0 seconds
netdb_filename none
pinger_enable off
request_header_max_size 64 KB
visible_hostname localhost
`);
  return startProgram('/usr/sbin/squid', ['-N', '-f', at('squid.conf')], { port, dir });
}

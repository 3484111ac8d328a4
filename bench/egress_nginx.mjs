// nginx as the origin of the egress benches: fast enough that the proxy in front of it is what is measured.

import fs from 'node:fs';
import path from 'node:path';

import { installPackages } from './peers/packages.mjs';
import { startProgram } from './peers/program.mjs';

// Starts it in `dir` (which stop() removes) on 127.0.0.1:`port` with TLS for `hosts`, and `plainPort`
// without. It serves /1k and /1m, keeps connections, takes uploads at /sink, and passes /sse on to a plain
// origin on `eventsPort`. Answers {pids, stop}.
export async function startNginx(dir, { port, plainPort, ca, eventsPort, hosts = ['localhost', 'origin.test'] }) {
  installPackages(['nginx-light'], ['nginx']);
  const at = (name) => path.join(dir, name);
  const leaf = ca.issue(hosts);
  fs.mkdirSync(at('files'), { recursive: true });
  fs.writeFileSync(at('files/1k'), Buffer.alloc(1 << 10, 'a kibibyte '));
  fs.writeFileSync(at('files/1m'), Buffer.alloc(1 << 20, 'a mebibyte '));
  fs.writeFileSync(at('nginx.conf'), `
daemon off;
user root;
worker_processes 1;
worker_rlimit_nofile 16384;
pid ${at('nginx.pid')};
error_log ${at('error.log')} crit;
events { worker_connections 8192; }
http {
  access_log off;
  client_body_temp_path ${at('body')};
  proxy_temp_path ${at('proxy')};
  fastcgi_temp_path ${at('fastcgi')};
  uwsgi_temp_path ${at('uwsgi')};
  scgi_temp_path ${at('scgi')};
  default_type application/octet-stream;
  sendfile on;
  tcp_nodelay on;
  open_file_cache max=16;
  keepalive_timeout 300s;
  keepalive_requests 100000000;
  client_max_body_size 0;
  client_body_buffer_size 2m;
  ssl_certificate ${leaf.certFile};
  ssl_certificate_key ${leaf.keyFile};
  ssl_session_cache shared:bench:4m;
  upstream discard { server unix:${at('discard.sock')}; keepalive 64; }
  server {
    listen 127.0.0.1:${port} ssl backlog=4096;
    listen 127.0.0.1:${plainPort} backlog=4096;
    root ${at('files')};
${eventsPort === undefined ? '' : `    location = /sse {
      proxy_pass http://127.0.0.1:${eventsPort};
      proxy_http_version 1.1;
      proxy_buffering off;
      proxy_read_timeout 300s;
    }
`}    # The answer comes only after the whole body: it is gathered, then dropped.
    location = /sink {
      proxy_pass http://discard;
      proxy_http_version 1.1;
      proxy_pass_request_body off;
      proxy_set_header Content-Length "";
      proxy_set_header Connection "";
    }
  }
  server {
    listen unix:${at('discard.sock')};
    location / { return 200 "taken\\n"; }
  }
}
`);
  return startProgram('/usr/sbin/nginx', ['-p', dir, '-c', at('nginx.conf')], { port, dir });
}

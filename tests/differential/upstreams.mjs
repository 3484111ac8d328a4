// nginx and Node as origins that tell, for each connection, which requests they saw.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';

import { installPackages } from '../../bench/peers/packages.mjs';

const listen = async (server) => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server.address().port;
};

// Requests by the port of the client that sent them.
class Seen {
  constructor() {
    this.of = new Map();
  }
  add(port, request) {
    if (!this.of.has(port)) this.of.set(port, []);
    this.of.get(port).push(request);
  }
  take(port) {
    const list = this.of.get(port) ?? [];
    this.of.delete(port);
    return list;
  }
}

// Sends `bytes` on a connection of its own and reads until the server closes. {port, answers}: the
// client's port and every byte that came back.
export async function say(port, bytes) {
  const socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  const pieces = [];
  socket.on('data', (piece) => pieces.push(piece));
  socket.on('error', () => {});
  await once(socket, 'connect');
  const own = socket.localPort;
  const closed = new Promise((done) => { socket.on('end', done); socket.on('close', done); });
  socket.end(bytes);
  const late = setTimeout(() => socket.destroy(), 10_000);
  await closed;
  clearTimeout(late);
  socket.destroy();
  return { port: own, answers: Buffer.concat(pieces).toString('latin1') };
}

export class NodeOrigin {
  async start() {
    this.seen = new Seen();
    this.refused = new Map();
    this.server = http.createServer({ requestTimeout: 0, keepAliveTimeout: 60_000 }, (request, response) => {
      const port = request.socket.remotePort;
      let body = 0;
      request.on('data', (piece) => { body += piece.length; });
      request.on('end', () => {
        this.seen.add(port, { method: request.method, target: request.url, host: request.headers.host ?? '', body });
        response.end('ok');
      });
    });
    // Of a request that asks for another protocol Node makes a socket of its own.
    this.server.on('clientError', (error, socket) => {
      if (socket.remotePort) this.refused.set(socket.remotePort, error.code ?? 'error');
      socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n');
    });
    this.port = await listen(this.server);
  }
  async read(bytes) {
    const { port } = await say(this.port, bytes);
    const refused = this.refused.get(port);
    this.refused.delete(port);
    return { requests: this.seen.take(port), refused };
  }
  stop() {
    this.server.closeAllConnections();
    this.server.close();
  }
}

// nginx reads each request whole and passes what it made of it on to a server of ours, in fields.
export class NginxOrigin {
  async start() {
    installPackages(['nginx-light'], ['nginx']);
    this.seen = new Seen();
    this.behind = http.createServer((request, response) => {
      const of = (name) => request.headers[name] ?? '';
      let body = 0;
      request.on('data', (piece) => { body += piece.length; });
      request.on('end', () => {
        this.seen.add(Number(of('x-seen-port')), {
          method: of('x-seen-method'), target: of('x-seen-target'), host: of('x-seen-host'), body, path: of('x-seen-path'),
        });
        response.end('ok');
      });
    });
    const behind = await listen(this.behind);
    this.folder = fs.mkdtempSync(path.join(os.tmpdir(), 'framing-nginx-'));
    fs.chmodSync(this.folder, 0o755);
    // One that is free now; nobody else is likely to take it within the moment.
    const probe = net.createServer();
    this.port = await listen(probe);
    probe.close();
    await once(probe, 'close');
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${this.folder}/${name};`).join('\n');
    fs.writeFileSync(path.join(this.folder, 'nginx.conf'), `
daemon off; master_process off; worker_processes 1; pid ${this.folder}/pid; error_log ${this.folder}/error.log info;
events { worker_connections 512; }
http {
  access_log off; ${temporary}
  client_max_body_size 0; client_body_buffer_size 64k; keepalive_requests 1000000; merge_slashes on;
  proxy_ignore_client_abort on; proxy_http_version 1.1;
  server {
    listen 127.0.0.1:${this.port} backlog=512;
    location / {
      proxy_pass http://127.0.0.1:${behind}/;
      proxy_method POST; proxy_pass_request_headers off;
      proxy_set_header Host behind; proxy_set_header Connection close;
      proxy_set_header X-Seen-Port $remote_port; proxy_set_header X-Seen-Method $request_method;
      proxy_set_header X-Seen-Target $request_uri; proxy_set_header X-Seen-Host $http_host;
      proxy_set_header X-Seen-Path $uri;
    }
  }
}`);
    this.process = spawn('nginx', ['-p', this.folder, '-c', path.join(this.folder, 'nginx.conf')], { stdio: ['ignore', 'inherit', 'inherit'] });
    for (let tries = 0; ; ++tries) {
      const open = await new Promise((done) => {
        const socket = net.connect(this.port, '127.0.0.1', () => { socket.destroy(); done(true); });
        socket.on('error', () => done(false));
      });
      if (open) return;
      if (tries > 100 || this.process.exitCode !== null) throw new Error('nginx does not start');
      await new Promise((done) => setTimeout(done, 50));
    }
  }
  async read(bytes) {
    const { port, answers } = await say(this.port, bytes);
    const refused = /HTTP\/1\.1 (4\d\d|5\d\d) /.exec(answers)?.[1];
    return { requests: this.seen.take(port), refused };
  }
  async stop() {
    this.process.kill('SIGTERM');
    await once(this.process, 'exit');
    this.behind.close();
    fs.rmSync(this.folder, { recursive: true, force: true });
  }
}

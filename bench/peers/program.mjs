// Runs a peer's server program for the time of a bench.

import { spawn } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';

const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

const listens = (port) => new Promise((done) => {
  const socket = net.connect(port, '127.0.0.1', () => {
    socket.destroy();
    done(true);
  });
  socket.on('error', () => done(false));
});

// A folder under /tmp that the server's own user may enter too.
export function makeFolder(name) {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), `deployclaw-bench-${name}-`));
  fs.chmodSync(dir, 0o755);
  return dir;
}

// Starts `command` in the foreground and waits for `port`. Answers {pids, stop}; stop() also removes `dir`.
export async function startProgram(command, args, { port, dir, env = {}, seconds = 30 }) {
  const log = fs.openSync(path.join(dir, 'output.log'), 'w');
  const child = spawn(command, args, { cwd: dir, env: { PATH: process.env.PATH, HOME: dir, ...env }, stdio: ['ignore', log, log] });
  fs.closeSync(log);
  const ended = new Promise((done) => {
    child.on('exit', done);
    child.on('error', done);
  });
  const stop = async () => {
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), 3000);
    await ended;
    clearTimeout(timer);
    fs.rmSync(dir, { recursive: true, force: true });
  };
  const end = Date.now() + seconds * 1000;
  while (!(await listens(port))) {
    if (child.exitCode !== null || child.pid === undefined || Date.now() > end) {
      const output = fs.readFileSync(path.join(dir, 'output.log'), 'utf8');
      await stop();
      throw new Error(`${command} does not listen on ${port}:\n${output.slice(-2000)}`);
    }
    await sleep(100);
  }
  return { pids: [child.pid], stop };
}

// The main job with the real OpenClaw, as ./dev demo does it.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { after, before, test } from 'node:test';

import { Platform, root } from './harness.mjs';

const platform = new Platform();
before(() => platform.start());
after(async () => assert.equal(await platform.stop(), 0));

test('a customer deploys, restarts and deletes a real OpenClaw agent', () => {
  const demo = spawnSync(path.join(root, 'dev'), ['demo'],
    { env: { ...process.env, DEPLOYCLAW_HOME: platform.home }, encoding: 'utf8', timeout: 600_000 });
  console.log(demo.stdout);
  assert.equal(demo.status, 0, demo.stderr);
  assert.match(demo.stdout, /^demo: passed$/m);
});

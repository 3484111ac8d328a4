// Opens what our binary sealed with Node's crypto, and the other way round, knowing nothing but
// docs/security/vault-format.md. The functions below are that page, line by line.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import crypto from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');

function findTool() {
  if (process.env.DEPLOYCLAW_VAULT_FORMAT_TOOL) return process.env.DEPLOYCLAW_VAULT_FORMAT_TOOL;
  const builds = path.join(root, 'build');
  const candidates = fs.existsSync(builds)
    ? fs.readdirSync(builds).map((name) => path.join(builds, name, 'src/vault/vault_format_tool'))
    : [];
  const found = candidates.filter((file) => fs.existsSync(file));
  found.sort((a, b) => fs.statSync(b).mtimeMs - fs.statSync(a).mtimeMs);
  assert.ok(found.length > 0, 'build vault_format_tool first, or set DEPLOYCLAW_VAULT_FORMAT_TOOL');
  return found[0];
}

// §1 The key file.
function readKeys(file) {
  const keys = new Map();
  for (const line of fs.readFileSync(file, 'utf8').split('\n')) {
    if (line.trim() === '' || line.startsWith('#')) continue;
    const [version, key, ...details] = line.trim().split(/\s+/);
    const bytes = Buffer.from(key, 'base64');
    const check = crypto.createHmac('sha256', bytes).update('deployclaw/key-check/v1').digest();
    for (const detail of details.filter((d) => d.startsWith('check='))) {
      assert.equal(detail.slice(6), check.subarray(0, 8).toString('hex'));
    }
    keys.set(Number(version.slice(1)), bytes);
  }
  return keys;
}

const uuidBytes = (uuid) => Buffer.from(uuid.replaceAll('-', ''), 'hex');

// §2 The client's key.
function clientKey(masterKey, context) {
  const salt = Buffer.concat([uuidBytes(context.client), Buffer.from(context.salt, 'base64')]);
  return Buffer.from(crypto.hkdfSync('sha256', masterKey, salt, 'deployclaw/client/v1', 32));
}

// §3 What is authenticated.
function associatedData(context, keyVersion) {
  const u32 = (value) => {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(value);
    return bytes;
  };
  const field = (bytes) => Buffer.concat([u32(bytes.length), bytes]);
  return Buffer.concat([
    field(uuidBytes(context.client)),
    field(context.agent ? uuidBytes(context.agent) : Buffer.alloc(0)),
    field(Buffer.from(context.name, 'utf8')),
    field(Buffer.from(context.purpose, 'utf8')),
    field(u32(keyVersion)),
  ]);
}

// §4 The row.
function open(keys, context, row) {
  const key = clientKey(keys.get(row.keyVersion), context);
  const decipher = crypto.createDecipheriv('aes-256-gcm', key, Buffer.from(row.iv, 'base64'), {
    authTagLength: 16,
  });
  decipher.setAAD(associatedData(context, row.keyVersion));
  decipher.setAuthTag(Buffer.from(row.tag, 'base64'));
  const ciphertext = Buffer.from(row.ciphertext, 'base64');
  return Buffer.concat([decipher.update(ciphertext), decipher.final()]).toString('utf8');
}

function seal(keys, keyVersion, context, value) {
  const iv = crypto.randomBytes(12);
  const cipher = crypto.createCipheriv('aes-256-gcm', clientKey(keys.get(keyVersion), context), iv);
  cipher.setAAD(associatedData(context, keyVersion));
  const ciphertext = Buffer.concat([cipher.update(value, 'utf8'), cipher.final()]);
  return {
    iv: iv.toString('base64'),
    ciphertext: ciphertext.toString('base64'),
    tag: cipher.getAuthTag().toString('base64'),
    keyVersion,
  };
}

// §6 The gateway token.
function gatewayToken(keys, keyVersion, context) {
  const info = Buffer.concat([Buffer.from('deployclaw/gateway-token/v1'), uuidBytes(context.agent)]);
  const key = clientKey(keys.get(keyVersion), context);
  return Buffer.from(crypto.hkdfSync('sha256', key, Buffer.alloc(0), info, 32)).toString('base64url');
}

let directory;
let keyFile;
let tool;

function runTool(command, input) {
  return spawnSync(tool, [command, keyFile], { input: JSON.stringify(input), encoding: 'utf8' });
}

function ask(command, input) {
  const done = runTool(command, input);
  assert.equal(done.status, 0, done.stderr);
  return JSON.parse(done.stdout);
}

const someContext = (more = {}) => ({
  client: crypto.randomUUID(),
  salt: crypto.randomBytes(32).toString('base64'),
  agent: crypto.randomUUID(),
  name: 'OPENAI_API_KEY',
  purpose: 'credential',
  ...more,
});

before(() => {
  tool = findTool();
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'vault-format-'));
  keyFile = path.join(directory, 'master.keys');
});

after(() => fs.rmSync(directory, { recursive: true, force: true }));

test('a row that our binary sealed opens with Node alone', () => {
  const context = someContext();
  const row = ask('seal', { ...context, value: 'sk-a real secret ✓' });
  assert.deepEqual(Object.keys(row).sort(), ['ciphertext', 'iv', 'keyVersion', 'tag']);
  assert.equal(open(readKeys(keyFile), context, row), 'sk-a real secret ✓');
});

test('a row without an agent opens too', () => {
  const context = someContext({ agent: undefined, name: crypto.randomUUID(), purpose: 'totp' });
  const row = ask('seal', { ...context, value: 'seed' });
  assert.equal(open(readKeys(keyFile), context, row), 'seed');
});

test('a row that Node sealed opens with our binary', () => {
  const context = someContext({ name: 'naïve "name"\n', purpose: 'config' });
  const sealed = seal(readKeys(keyFile), 1, context, 'from the outside');
  assert.equal(ask('open', { ...context, sealed }), 'from the outside');
});

test('rows of an old key version stay readable after a rotation', () => {
  const context = someContext();
  const old = ask('seal', { ...context, value: 'old' });
  const newest = ask('rotate', {});
  const fresh = ask('seal', { ...context, value: 'new' });
  assert.equal(fresh.keyVersion, newest);
  assert.ok(old.keyVersion < newest);
  const keys = readKeys(keyFile);
  assert.equal(open(keys, context, old), 'old');
  assert.equal(open(keys, context, fresh), 'new');
});

test('every part of the context is bound', () => {
  const context = someContext();
  const row = ask('seal', { ...context, value: 'bound' });
  const keys = readKeys(keyFile);
  const changes = {
    client: crypto.randomUUID(),
    salt: crypto.randomBytes(32).toString('base64'),
    agent: crypto.randomUUID(),
    name: 'OPENAI_API_KEY2',
    purpose: 'config',
  };
  for (const [field, value] of Object.entries(changes)) {
    const other = { ...context, [field]: value };
    assert.throws(() => open(keys, other, row), undefined, `${field}, Node`);
    const done = runTool('open', { ...other, sealed: row });
    assert.notEqual(done.status, 0, `${field}, our binary`);
    assert.match(done.stderr, /corrupt/);
  }
});

test('the gateway token is derived as documented', () => {
  const context = someContext();
  const oldest = Math.min(...readKeys(keyFile).keys());
  assert.equal(ask('derive', context), gatewayToken(readKeys(keyFile), oldest, context));
});

// Reads what the pages take from the catalogue: plans with their prices, and the services with rules.

import fs from 'node:fs';
import path from 'node:path';

const fields = {
  name: 'string', title: 'string', summary: 'string', monthly_usd: 'number', agents: 'number',
  default_daily_token_spend_usd: 'number', recommended: 'boolean',
};

// The part of TOML that plans.toml uses: comments, [[plan]], and `key = value` with a text, a number
// or a flag, all of which JSON writes the same way. Anything else is an error with its line.
export function readPlans(file) {
  const plans = [];
  fs.readFileSync(file, 'utf8').split('\n').forEach((line, index) => {
    const wrong = (why) => new Error(`${file}:${index + 1}: ${why}`);
    const text = line.trim();
    if (text === '' || text.startsWith('#')) return;
    if (text === '[[plan]]') {
      plans.push({});
      return;
    }
    const [, key, value] = text.match(/^([a-z_]+) = ("[^"\\]*"|\d+|true|false)$/) ?? [];
    if (!key || plans.length === 0) throw wrong('expected [[plan]] or key = value');
    if (!(key in fields)) throw wrong(`unknown field '${key}'`);
    const parsed = JSON.parse(value);
    if (typeof parsed !== fields[key]) throw wrong(`${key} must be a ${fields[key]}`);
    if (key in plans.at(-1)) throw wrong(`${key} is given twice`);
    plans.at(-1)[key] = parsed;
  });
  for (const plan of plans) {
    const missing = Object.keys(fields).filter((key) => !(key in plan));
    if (missing.length > 0) throw new Error(`${file}: plan '${plan.name}' lacks ${missing.join(', ')}`);
  }
  if (plans.length === 0) throw new Error(`${file}: no plans`);
  return plans;
}

// What is a protocol or a catch-all rather than a service with a name of its own.
const unnamed = new Set(['oauth', 'generic', 'smtp', 'imap']);

// The titles of the services that have rules, in alphabetical order.
export function readServices(folder) {
  return fs.readdirSync(folder)
    .filter((name) => name.endsWith('.toml') && !unnamed.has(path.basename(name, '.toml')))
    .map((name) => {
      const title = fs.readFileSync(path.join(folder, name), 'utf8').match(/^title = "([^"]+)"$/m);
      if (!title) throw new Error(`${folder}/${name}: no title`);
      return title[1];
    })
    .sort((a, b) => a.localeCompare(b, 'en'));
}

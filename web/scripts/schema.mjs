// Writes src/api/schema.d.ts from the project's OpenAPI file. The CSRF token is left optional there,
// because the client in src/api adds it to every call itself.

import fs from 'node:fs';
import openapiTS, { astToString } from 'openapi-typescript';

const source = new URL('../../docs/api/openapi.yaml', import.meta.url);
const target = new URL('../src/api/schema.d.ts', import.meta.url);

const text = fs.readFileSync(source, 'utf8')
  .replace(/(name: X-CSRF-Token\s+in: header\s+required: )true/, '$1false');
const header = '// Made from docs/api/openapi.yaml by scripts/schema.mjs. Not edited, not committed.\n';
const types = header + astToString(await openapiTS(text, { emptyObjectsUnknown: true, defaultNonNullable: false }));
if (!fs.existsSync(target) || fs.readFileSync(target, 'utf8') !== types) fs.writeFileSync(target, types);

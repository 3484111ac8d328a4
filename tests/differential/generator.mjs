// Requests as an agent might send them, good and bad, from a seed alone.

// mulberry32: small, and the same everywhere.
export function random(seed) {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  const below = (n) => Math.floor(next() * n);
  return { below, pick: (list) => list[below(list.length)], chance: (p) => next() < p };
}

const paths = [
  '/', '/a', '/a/b', '/a/b/', '/a?b=c', '/a?', '/a?b=c&d=/../e', '/a%20b', '/a%2Fb', '/a%2fb', '/a/./b',
  '/a/../b', '/a/%2e%2e/b', '/..', '/a//b', '//a', '/a;x=1', '/a;/../b', '/%61', '/%C3%A9', '/%ff',
  '/a%00b', '/a%', '/a%zz', '/a%252e', '/a\\b', '/a#b', '/a"b', '/<a>', '/[a]', '/a|b', '/{a}', '/a?b%23c',
  '/~a', "/!$&'()*+,=:@", '/a?x=%0d%0aHost:%20b', '/a%0d%0ab', '/a?b c', '/a?%zz', '/' + 'p'.repeat(500),
  '/a?"', '/a?<b>', '/a?b?c', '/a?b#c', '/é', '/a?é', '*', 'a', '', '/.', '/a/.', '/a/..', '/...', '/a%5Cb',
];
const methods = ['GET', 'GET', 'GET', 'POST', 'POST', 'PUT', 'DELETE', 'HEAD', 'PATCH', 'OPTIONS'];
const oddMethods = ['get', 'Get', 'TRACE', 'CONNECT', 'FOO', 'GET\t', 'G_T', 'G.T', 'G-T', 'PRI', 'PROPFIND', '"X"', ''];
const names = ['Accept', 'User-Agent', 'X-One', 'x-lower', 'Cookie', 'Accept-Encoding', 'If-None-Match', 'Range', 'Upgrade-Insecure-Requests'];
const oddFields = [
  'X_under: 1', 'X.dot: 1', 'Content_Length: 3', 'X-Empty:', 'X-Tab:\tvalue\t', 'X-Latin: \xe9\xff', ': none', 'No colon',
  'X-Space : 1', ' X-Folded: 1', 'X-Fold: a\r\n b', 'X-Fold: a\r\n\tContent-Length: 3', 'X-Nul: a\0b', 'X-Cr: a\rb', 'X-Lf: a\nContent-Length: 3',
  'X-Del: \x7f', 'X-Ctl: \x01', 'Connection: close', 'Connection: X-One', 'Connection: Content-Length', 'Connection: Transfer-Encoding',
  'Connection: keep-alive, Host', 'Connection: close, X', 'connection: CLOSE', 'Keep-Alive: timeout=1', 'TE: trailers', 'Trailer: X-T',
  'Upgrade: h2c', 'Upgrade: websocket', 'HTTP2-Settings: AAMAAABkAAQ', 'Expect: 100-continue', 'Expect: x', 'Proxy-Connection: keep-alive',
  'X-Forwarded-Host: evil', 'X-HTTP-Method-Override: DELETE', 'Range: bytes=0-1', 'X(bad): 1', 'X"q": 1', 'Content-Type: text/plain',
  'X-Long: ' + 'v'.repeat(3000), 'Connection: upgrade, te', 'Content-Encoding: gzip', 'Host : b', 'Http2: 1',
];

const hex = (n, r) => (r.chance(0.3) ? n.toString(16).toUpperCase() : n.toString(16));

function chunked(r, data, odd) {
  let out = '';
  let rest = data;
  while (rest.length > 0) {
    const size = 1 + r.below(rest.length);
    let head = hex(size, r);
    if (odd && r.chance(0.4)) {
      head = r.pick([`0${head}`, `000000000000${head}`, `${head};a=b`, `${head};a="b\r\nc"`, `${head} `, ` ${head}`, `0x${head}`, `+${head}`,
        `-${head}`, `${head}\t`, `${head};`, `${head}g`, `${head}\r`, `${head},1`, `00000000000000000${head}`, `${head}\0`]);
    }
    const end = odd && r.chance(0.1) ? r.pick(['\n', '\r', '\r\r\n', '']) : '\r\n';
    const behind = odd && r.chance(0.1) ? r.pick(['\n', '', 'X\r\n', '\r', '\r\n\r\n']) : '\r\n';
    out += head + end + rest.slice(0, size) + behind;
    rest = rest.slice(size);
  }
  const trailers = r.chance(0.15)
    ? r.pick(['X-T: 1\r\n', 'Content-Length: 5\r\n', 'Host: b\r\n', ' folded\r\n', 'X-T: a\nb\r\n', 'no colon\r\n', 'X: \0\r\n', 'Transfer-Encoding: chunked\r\n'])
    : '';
  const last = odd && r.chance(0.2) ? r.pick(['00', '0;x', '0 ', '000000000000000000000', '-0', '0x0', '']) : '0';
  const end = odd && r.chance(0.1) ? r.pick(['\n', '', '\r', '\n\n']) : '\r\n';
  return `${out}${last}\r\n${trailers}${end}`;
}

const bodies = ['', 'x', 'hello', '{"a":1}', 'GET /smuggled HTTP/1.1\r\nHost: b\r\n\r\n', '0\r\n\r\n', '\r\n', '5\r\nhello\r\n0\r\n\r\n', 'y'.repeat(2000)];

// The fields that say how long the body is, and the body.
function framing(r, odd) {
  const data = r.pick(bodies);
  const size = data.length;
  if (!odd) {
    if (r.chance(0.5)) return { fields: [`Content-Length: ${size}`], body: data };
    return { fields: ['Transfer-Encoding: chunked'], body: chunked(r, data, false) };
  }
  const coded = () => chunked(r, data, r.chance(0.5));
  const length = () => r.pick([`+${size}`, `-${size}`, `0${size}`, ` ${size} `, `${size},${size}`, `${size}, ${size}`, `0x${size}`, `${size}.0`, `${size} 1`,
    `${size}\t`, `"${size}"`, '', `${size + 1}`, `${Math.max(0, size - 1)}`, '99999999999999999999', `${size}\x0b`, `${size};`, `1e1`]);
  const coding = () => r.pick(['chunked', 'Chunked', 'CHUNKED', ' chunked', 'chunked ', '\tchunked', 'chunked, chunked', 'gzip, chunked', 'chunked, gzip',
    'identity', 'identity, chunked', 'xchunked', 'chunked;q=1', '"chunked"', 'chunked,', ',chunked', 'chunked\x0b', '', 'chunked, identity', 'cow']);
  return r.pick([
    () => ({ fields: [`Content-Length: ${length()}`], body: data }),
    () => ({ fields: [`Content-Length: ${size}`, `Content-Length: ${length()}`], body: data }),
    () => ({ fields: [`Content-Length: ${size}`, `content-length: ${size}`], body: data }),
    () => ({ fields: [`Content-Length: ${size}`, 'Transfer-Encoding: chunked'], body: coded() }),
    () => ({ fields: ['Transfer-Encoding: chunked', `Content-Length: ${length()}`], body: coded() }),
    () => ({ fields: [`Transfer-Encoding: ${coding()}`], body: coded() }),
    () => ({ fields: ['Transfer-Encoding: chunked', `Transfer-Encoding: ${coding()}`], body: coded() }),
    () => ({ fields: [`Transfer-Encoding: ${coding()}`, `Content-Length: ${size}`], body: data }),
    () => ({ fields: [r.pick(['Transfer-Encoding : chunked', 'Transfer_Encoding: chunked', 'Transfer-Encoding:\r\n chunked', ' Transfer-Encoding: chunked', 'Transfer-Encoding\t: chunked', 'X: y\nTransfer-Encoding: chunked', 'Transfer-Encoding: chunked\r'])], body: coded() }),
    () => ({ fields: [r.pick(['Content-Length : 5', 'Content_Length: 5', 'Content-Length:\r\n 5', 'X: y\rContent-Length: 5', 'Content-Length\0: 5'])], body: 'hello' }),
    () => ({ fields: ['Transfer-Encoding: chunked'], body: chunked(r, data, true) }),
    () => ({ fields: [`Content-Length: ${size}`], body: data.slice(0, r.below(size + 1)) }),
    () => ({ fields: [], body: data }),
  ])();
}

function request(r, authority, oddity) {
  const odd = (p) => oddity && r.chance(p);
  const method = odd(0.08) ? r.pick(oddMethods) : r.pick(methods);
  let target = odd(0.5) || r.chance(0.3) ? r.pick(paths) : `/r${r.below(1000)}`;
  if (r.chance(0.1)) target = `http://${odd(0.3) ? r.pick(['other.example', `u@${authority}`, authority.toUpperCase(), '']) : authority}${target}`;
  const version = odd(0.06) ? r.pick(['HTTP/1.0', 'HTTP/1.2', 'HTTP/2.0', 'http/1.1', 'HTTP/0.9', 'HTTP/1.1 ', 'HTTP/01.1', 'HTTP/1.10', '']) : 'HTTP/1.1';
  const hosts = odd(0.08)
    ? r.pick([[], ['Host: other.example'], [`Host: ${authority}`, 'Host: b'], ['Host:'], [`Host: ${authority} b`], [`Host: ${authority}/`], [`HOST: ${authority.toUpperCase()}`], [`Host: u@${authority}`], [`Host: ${authority},b`], [`Host:${authority}`]])
    : [`Host: ${authority}`];
  const framed = r.chance(0.6) ? framing(r, odd(0.5)) : { fields: [], body: '' };
  const fields = [];
  // Each once: nginx refuses some fields that come twice.
  for (const name of names) if (r.chance(0.15)) fields.push(`${name}: ${r.pick(['a', 'b c', '*/*', 'gzip, br', ''])}`);
  if (odd(0.35)) fields.push(r.pick(oddFields));
  for (const field of framed.fields) fields.splice(r.below(fields.length + 1), 0, field);
  for (const host of hosts) fields.splice(r.chance(0.7) ? 0 : r.below(fields.length + 1), 0, host);
  const sp = () => (odd(0.02) ? r.pick(['  ', '\t', '', ' \x0b']) : ' ');
  const eol = () => (odd(0.01) ? r.pick(['\n', '\r', '\r\r\n', '\n\r\n']) : '\r\n');
  const before = odd(0.04) ? r.pick(['\r\n', '\n', '\r\n\r\n', ' ', '\0']) : '';
  return `${before}${method}${sp()}${target}${sp()}${version}${eol()}${fields.map((f) => f + eol()).join('')}${eol()}${framed.body}`;
}

// The bytes of one connection: one to three requests, one behind the other.
export function connection(seed, authority) {
  const r = random(seed);
  const oddity = r.chance(0.75);
  let text = '';
  for (let i = r.pick([1, 1, 2, 3]); i > 0; --i) text += request(r, authority, oddity);
  if (oddity && r.chance(0.1)) {
    const at = r.below(text.length);
    text = text.slice(0, at) + String.fromCharCode(r.below(256)) + text.slice(at + r.below(2));
  }
  return Buffer.from(text, 'latin1');
}

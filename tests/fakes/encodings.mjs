// The ways a hostile or careless origin can show a secret again, for tests of scrubbing.

import { execFileSync } from 'node:child_process';
import zlib from 'node:zlib';

const bytes = (text) => [...Buffer.from(text)];
const hex2 = (byte) => byte.toString(16).padStart(2, '0');

// Base64 of `text` behind `before` other bytes, so that each of the three alignments can be had.
const aligned = (text, before, kind) => Buffer.from('xy'.slice(0, before) + text).toString(kind);

export const encodings = {
  literal: (text) => text,
  percent: (text) => bytes(text).map((b) => '%' + hex2(b).toUpperCase()).join(''),
  'percent-lower': (text) => bytes(text).map((b) => '%' + hex2(b)).join(''),
  // Only what encodeURIComponent must escape, and the dash, which it need not.
  'percent-some': (text) => encodeURIComponent(text).replaceAll('-', '%2D'),
  base64: (text) => aligned(text, 0, 'base64'),
  'base64+1': (text) => aligned(text, 1, 'base64'),
  'base64+2': (text) => aligned(text, 2, 'base64'),
  base64url: (text) => aligned(text, 0, 'base64url'),
  'base64url+1': (text) => aligned(text, 1, 'base64url'),
  'base64url+2': (text) => aligned(text, 2, 'base64url'),
  hex: (text) => bytes(text).map(hex2).join(''),
  'hex-upper': (text) => bytes(text).map(hex2).join('').toUpperCase(),
  json: (text) => bytes(text).map((b) => '\\u00' + hex2(b)).join(''),
  'html-decimal': (text) => bytes(text).map((b) => `&#${b};`).join(''),
  'html-hex': (text) => bytes(text).map((b) => `&#x${hex2(b)};`).join(''),
};

// Node 22 has zstd; older ones ask the program. Frames may follow one another (RFC 8878 §3.1).
export const zstd = zlib.zstdCompressSync ??
  ((data) => execFileSync('zstd', ['-q', '-c'], { input: data, maxBuffer: 1 << 28 }));
export const unzstd = zlib.zstdDecompressSync ??
  ((data) => execFileSync('zstd', ['-q', '-d', '-c'], { input: data, maxBuffer: 1 << 28 }));

// Content codings (RFC 9110 §8.4.1): whole bodies at once.
export const codings = {
  identity: (data) => Buffer.from(data),
  gzip: (data) => zlib.gzipSync(data),
  deflate: (data) => zlib.deflateSync(data),
  br: (data) => zlib.brotliCompressSync(data),
  zstd: (data) => zstd(Buffer.from(data)),
};

export const decodings = {
  identity: (data) => data,
  gzip: zlib.gunzipSync,
  deflate: zlib.inflateSync,
  br: zlib.brotliDecompressSync,
  zstd: unzstd,
};

const streams = {
  gzip: () => zlib.createGzip(),
  deflate: () => zlib.createDeflate(),
  br: () => zlib.createBrotliCompress(),
};

// A coder for a streamed body: write(piece) answers what the reader needs to see that piece at once,
// end() the rest.
export function streamCoder(coding) {
  if (coding === 'identity') return { write: async (piece) => Buffer.from(piece), end: async () => Buffer.alloc(0) };
  if (coding === 'zstd') return { write: async (piece) => zstd(Buffer.from(piece)), end: async () => Buffer.alloc(0) };
  const coder = streams[coding]();
  const out = [];
  coder.on('data', (chunk) => out.push(chunk));
  const taken = () => Buffer.concat(out.splice(0));
  return {
    write: (piece) => new Promise((done) => {
      coder.write(piece);
      coder.flush(coding === 'br' ? zlib.constants.BROTLI_OPERATION_FLUSH : zlib.constants.Z_SYNC_FLUSH, () => done(taken()));
    }),
    end: () => new Promise((done) => {
      coder.on('end', () => done(taken()));
      coder.end();
    }),
  };
}

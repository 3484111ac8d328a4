// An OAuth 2.0 token endpoint (RFC 6749 §6). `behaviour` says what it answers next; it remembers every
// request with its form decoded.

import { answerJson, createServer, describe, listen, readBody, Record, runAsProgram } from './listening.mjs';

// behaviour.refuse: an error code under 400; behaviour.redirect: a Location under 307;
// behaviour.rotate: each answer brings a new refresh token and ends the one that was used;
// behaviour.lifetime: expires_in in seconds.
export async function startOAuthServer({ authority, names = ['oauth2.googleapis.com'], port = 0, host = '127.0.0.1', record: file,
  refreshToken = '1//fake-refresh-token-0123456789', clientId = 'fake-client', clientSecret = 'fake-client-secret' } = {}) {
  const record = new Record(file);
  const behaviour = { lifetime: 3600 };
  const server = { record, behaviour, refreshToken, issued: [] };
  const web = createServer({ authority, names }, async (request, response) => {
    const body = await readBody(request);
    const form = Object.fromEntries(new URLSearchParams(body.toString()));
    record.add({ ...describe(request, body), form });
    if (behaviour.redirect) {
      response.writeHead(307, { location: behaviour.redirect, 'content-length': 0 });
      return response.end();
    }
    if (behaviour.refuse) return answerJson(response, 400, { error: behaviour.refuse, error_description: 'It is over.' });
    const good = request.method === 'POST' && form.grant_type === 'refresh_token' && form.client_id === clientId
      && form.client_secret === clientSecret;
    if (!good) return answerJson(response, 401, { error: 'invalid_client' });
    if (form.refresh_token !== server.refreshToken) return answerJson(response, 400, { error: 'invalid_grant' });
    const number = server.issued.length + 1;
    const token = `ya29.fake-access-token-${number}-abcdefghijklmnop`;
    server.issued.push(token);
    const answer = { access_token: token, expires_in: behaviour.lifetime, token_type: 'Bearer' };
    if (behaviour.rotate) {
      server.refreshToken = `1//fake-refresh-token-number-${number}`;
      answer.refresh_token = server.refreshToken;
    }
    return answerJson(response, 200, answer);
  });
  return Object.assign(server, await listen(web, { port, host }));
}

await runAsProgram(import.meta.url, startOAuthServer, {}, ['oauth2.googleapis.com']);

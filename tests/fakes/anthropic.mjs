// Anthropic's wire formats, as the model server speaks them: messages and errors.

const REQUEST_ID = 'req_011fake0000000000000000';
const event = (name, value = {}) => `event: ${name}\ndata: ${JSON.stringify({ type: name, ...value })}\n\n`;

export const headers = () => ({
  'request-id': REQUEST_ID, 'anthropic-organization-id': '00000000-0000-4000-8000-000000000000',
  'anthropic-ratelimit-requests-remaining': '49',
});

export const presentedKey = (request) => request.headers['x-api-key'];

export const error = (message, type) => ({ type: 'error', error: { type, message }, request_id: REQUEST_ID });

// The true message is "invalid x-api-key"; with `shown` it is as careless as OpenAI's.
export const unauthorized = (shown, careless = false) =>
  error(careless ? `invalid x-api-key: ${shown}` : 'invalid x-api-key', 'authentication_error');

export const badJson = () => error('The request body is not valid JSON: unexpected character: line 1 column 1 (char 0)',
  'invalid_request_error');

export const missing = (name) => error(`${name}: Field required`, 'invalid_request_error');

// No usage (undefined) leaves its field out, as some compatible servers do.
const fullUsage = (usage) => usage && {
  input_tokens: usage.input, cache_creation_input_tokens: 0, cache_read_input_tokens: 0, output_tokens: usage.output,
  service_tier: 'standard' };

const message = (request, content, stopReason, usage) => ({
  id: 'msg_01fake', type: 'message', role: 'assistant', model: request.model, content, stop_reason: stopReason,
  stop_sequence: null, usage });

export const messagesAnswer = (request, { text, usage }) =>
  message(request, [{ type: 'text', text }], 'end_turn', fullUsage(usage));

// Input is counted in message_start, output (cumulative) in message_delta.
export function messagesEvents(request, { pieces, usage }) {
  return [
    event('message_start', { message: message(request, [], null, fullUsage(usage && { ...usage, output: 1 })) }),
    event('content_block_start', { index: 0, content_block: { type: 'text', text: '' } }),
    event('ping'),
    ...pieces.map((text) => event('content_block_delta', { index: 0, delta: { type: 'text_delta', text } })),
    event('content_block_stop', { index: 0 }),
    event('message_delta', { delta: { stop_reason: 'end_turn', stop_sequence: null }, usage: usage && { output_tokens: usage.output } }),
    event('message_stop'),
  ];
}

export const streamError = (text) => event('error', { error: { type: 'overloaded_error', message: text } });

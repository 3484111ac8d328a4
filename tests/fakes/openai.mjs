// OpenAI's wire formats, as the model server speaks them: chat completions, responses, models, errors.
// A function that makes events answers a list of strings, each sent as one piece.

const event = (name, value) => `event: ${name}\ndata: ${JSON.stringify({ type: name, ...value })}\n\n`;
const data = (value) => `data: ${JSON.stringify(value)}\n\n`;
const now = () => Math.floor(Date.now() / 1000);

export const headers = () => ({
  'openai-organization': 'org-fake', 'openai-processing-ms': '12', 'openai-version': '2020-10-01',
  'x-ratelimit-remaining-requests': '4999', 'x-request-id': 'req_fake0000000000000000000000000000',
});

export const presentedKey = (request) => /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1];

export const error = (message, type, code = null, param = null) => ({ error: { message, type, param, code } });

export const unauthorized = (shown) => error(
  `Incorrect API key provided: ${shown}. You can find your API key at https://platform.openai.com/account/api-keys.`,
  'invalid_request_error', 'invalid_api_key');

export const badJson = () => error('We could not parse the JSON body of your request. (HINT: This likely means ' +
  'you aren\'t using your HTTP library correctly. The OpenAI API expects a JSON payload, but what was sent was ' +
  'not valid JSON.)', 'invalid_request_error');

export const missing = (name) => error(`Missing required parameter: '${name}'.`, 'invalid_request_error',
  'missing_required_parameter', name);

export const models = (ids) => ({
  object: 'list', data: ids.map((id) => ({ id, object: 'model', created: 1715367049, owned_by: 'system' })) });

// No usage (undefined) leaves its field out, as some compatible servers do.
function chatUsage(usage) {
  if (!usage) return undefined;
  const { input, output } = usage;
  return {
    prompt_tokens: input, completion_tokens: output, total_tokens: input + output,
    prompt_tokens_details: { cached_tokens: 0, audio_tokens: 0 },
    completion_tokens_details: { reasoning_tokens: 0, audio_tokens: 0, accepted_prediction_tokens: 0, rejected_prediction_tokens: 0 },
  };
}

export function chatAnswer(request, { text, usage }) {
  return {
    id: 'chatcmpl-fake0001', object: 'chat.completion', created: now(), model: request.model,
    choices: [{ index: 0, message: { role: 'assistant', content: text, refusal: null, annotations: [] },
      logprobs: null, finish_reason: 'stop' }],
    usage: chatUsage(usage), service_tier: 'default', system_fingerprint: 'fp_fake',
  };
}

// The usage chunk comes only when the request asks for it; then every other chunk has `usage: null`.
export function chatEvents(request, { pieces, usage }) {
  const wanted = usage !== undefined && request.stream_options?.include_usage === true;
  const common = { id: 'chatcmpl-fake0001', object: 'chat.completion.chunk', created: now(), model: request.model,
    service_tier: 'default', system_fingerprint: 'fp_fake' };
  const chunk = (delta, finish = null) => data({ ...common,
    choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }], ...(wanted ? { usage: null } : {}) });
  return [
    chunk({ role: 'assistant', content: '', refusal: null }),
    ...pieces.map((content) => chunk({ content })),
    chunk({}, 'stop'),
    ...(wanted ? [data({ ...common, choices: [], usage: chatUsage(usage) })] : []),
    'data: [DONE]\n\n',
  ];
}

function responsesUsage(usage) {
  if (!usage) return undefined;
  const { input, output } = usage;
  return { input_tokens: input, input_tokens_details: { cached_tokens: 0 }, output_tokens: output,
    output_tokens_details: { reasoning_tokens: 0 }, total_tokens: input + output };
}

function responseObject(request, status, output, usage) {
  return {
    id: 'resp_fake0001', object: 'response', created_at: now(), status, error: null, incomplete_details: null,
    instructions: request.instructions ?? null, max_output_tokens: request.max_output_tokens ?? null,
    model: request.model, output, parallel_tool_calls: true, previous_response_id: null, store: true,
    temperature: 1, tool_choice: 'auto', tools: [], top_p: 1, truncation: 'disabled', usage, metadata: {},
  };
}

const messageItem = (status, content) => ({ id: 'msg_fake0001', type: 'message', status, role: 'assistant', content });
const textPart = (text) => ({ type: 'output_text', text, annotations: [], logprobs: [] });

export const responsesAnswer = (request, { text, usage }) =>
  responseObject(request, 'completed', [messageItem('completed', [textPart(text)])], responsesUsage(usage));

export function responsesEvents(request, { pieces, text, usage }) {
  const place = { item_id: 'msg_fake0001', output_index: 0, content_index: 0 };
  const list = [
    ['response.created', { response: responseObject(request, 'in_progress', [], null) }],
    ['response.in_progress', { response: responseObject(request, 'in_progress', [], null) }],
    ['response.output_item.added', { output_index: 0, item: messageItem('in_progress', []) }],
    ['response.content_part.added', { ...place, part: textPart('') }],
    ...pieces.map((delta) => ['response.output_text.delta', { ...place, delta, logprobs: [] }]),
    ['response.output_text.done', { ...place, text, logprobs: [] }],
    ['response.content_part.done', { ...place, part: textPart(text) }],
    ['response.output_item.done', { output_index: 0, item: messageItem('completed', [textPart(text)]) }],
    ['response.completed', { response: responsesAnswer(request, { text, usage }) }],
  ];
  return list.map(([name, value], n) => event(name, { sequence_number: n, ...value }));
}

// A server that fails while it streams says so in an event of its own.
export const streamError = (message) => `event: error\ndata: ${JSON.stringify({ type: 'error', code: 'server_error', message, param: null })}\n\n`;

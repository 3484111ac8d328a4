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

const toolCall = ({ name, arguments: values }) => ({
  id: 'call_fake0001', type: 'function', function: { name, arguments: JSON.stringify(values) } });

// Whether the model may call a tool: one is offered, and the conversation has no result of one yet.
export const wantsCall = (request) =>
  request.tools?.length > 0 && !request.messages?.some(({ role }) => role === 'tool');

export function chatAnswer(request, { text, usage, call }) {
  const message = call ? { role: 'assistant', content: null, tool_calls: [toolCall(call)], refusal: null, annotations: [] }
    : { role: 'assistant', content: text, refusal: null, annotations: [] };
  return {
    id: 'chatcmpl-fake0001', object: 'chat.completion', created: now(), model: request.model,
    choices: [{ index: 0, message, logprobs: null, finish_reason: call ? 'tool_calls' : 'stop' }],
    usage: chatUsage(usage), service_tier: 'default', system_fingerprint: 'fp_fake',
  };
}

// The head of the call, then its arguments in two pieces, as the service streams them.
function callDeltas(call) {
  const { id, type, function: { name, arguments: text } } = toolCall(call);
  const half = Math.ceil(text.length / 2);
  return [
    { tool_calls: [{ index: 0, id, type, function: { name, arguments: '' } }] },
    ...[text.slice(0, half), text.slice(half)].map((piece) => ({ tool_calls: [{ index: 0, function: { arguments: piece } }] })),
  ];
}

// The usage chunk comes only when the request asks for it; then every other chunk has `usage: null`.
export function chatEvents(request, { pieces, usage, call }) {
  const wanted = usage !== undefined && request.stream_options?.include_usage === true;
  const common = { id: 'chatcmpl-fake0001', object: 'chat.completion.chunk', created: now(), model: request.model,
    service_tier: 'default', system_fingerprint: 'fp_fake' };
  const chunk = (delta, finish = null) => data({ ...common,
    choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }], ...(wanted ? { usage: null } : {}) });
  return [
    chunk({ role: 'assistant', content: call ? null : '', refusal: null }),
    ...(call ? callDeltas(call) : pieces.map((content) => ({ content }))).map((delta) => chunk(delta)),
    chunk({}, call ? 'tool_calls' : 'stop'),
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

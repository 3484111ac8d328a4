// Reads one server-sent-events answer (WHATWG HTML §9.2) from fetch: unlike EventSource it shows the
// status, and a new stream can resume where another one ended.

export type Message = { id: string; event: string; data: string };

/** Splits a stream of text, cut anywhere, into messages. `push` answers those that are complete. */
export class MessageParser {
  private rest = '';
  private id = '';
  private event = '';
  private data: string[] = [];

  push(text: string): Message[] {
    const out: Message[] = [];
    const lines = (this.rest + text).split(/\r\n|\n|\r(?!$)/);
    this.rest = lines.pop() ?? '';
    for (const line of lines) {
      const message = this.line(line);
      if (message) out.push(message);
    }
    return out;
  }

  private line(line: string): Message | null {
    if (line === '') {
      const message = this.data.length > 0 ? { id: this.id, event: this.event || 'message', data: this.data.join('\n') } : null;
      this.event = '';
      this.data = [];
      return message;
    }
    if (line.startsWith(':')) return null;
    const colon = line.indexOf(':');
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'id' && !value.includes('\0')) this.id = value;
    else if (field === 'event') this.event = value;
    else if (field === 'data') this.data.push(value);
    return null;
  }
}

export class StreamRefused extends Error {
  constructor(readonly status: number) {
    super(`the stream was refused with ${status}`);
  }
}

type Options = { url: string; lastId: string; signal: AbortSignal; onOpen: () => void; onMessage: (message: Message) => void };

/** Follows the stream until it ends. Throws StreamRefused, or what fetch throws. */
export async function followStream({ url, lastId, signal, onOpen, onMessage }: Options): Promise<void> {
  const headers: Record<string, string> = { Accept: 'text/event-stream' };
  if (lastId) headers['Last-Event-ID'] = lastId;
  const response = await fetch(url, { headers, signal, cache: 'no-store', credentials: 'same-origin' });
  if (!response.ok || !response.body) throw new StreamRefused(response.status);
  onOpen();
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  const parser = new MessageParser();
  for (;;) {
    const { done, value } = await withinSilence(reader);
    if (done) return;
    for (const message of parser.push(value)) onMessage(message);
  }
}

// The server says something every 15 s. A connection that a sleeping computer or a lost network left
// behind never ends by itself.
const SILENCE_MS = 45_000;

async function withinSilence(reader: ReadableStreamDefaultReader<string>): Promise<ReadableStreamReadResult<string>> {
  const timer = setTimeout(() => void reader.cancel(), SILENCE_MS);
  try {
    return await reader.read();
  } finally {
    clearTimeout(timer);
  }
}

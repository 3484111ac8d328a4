import { useState } from 'react';
import { Code, IconWarn, Notice, Pair, Pairs } from '../../ui';
import { bytes } from '../../ui/format';
import type { Approval, HeldRequest } from './queries';
import { bodyText, bodyTitle, byRole, headText } from './request_text';

// Beyond this the whole request is unfolded by a person, not by itself.
const UNFOLDED_BYTES = 32 * 1024;

/** A request as the agent made it: what it says, then every byte of it. Everything is plain text. */
export function Request({ approval, request: { request, message, warnings } }: { approval: Approval; request: HeldRequest }) {
  return (
    <div className="stack">
      {warnings.length > 0 && (
        <Notice tone="warn" title="Look closely">
          <ul className="stack-1">{warnings.map((one) => <li key={one}>{one}</li>)}</ul>
        </Notice>
      )}
      <p className="approval-line"><strong>{request.method}</strong> <span className="mono wrap-anywhere">{request.url}</span></p>
      {message && <Message message={message} />}
      <Whole approval={approval} request={request} open={!message && approval.requestBytes <= UNFOLDED_BYTES} />
    </div>
  );
}

function Message({ message }: { message: NonNullable<HeldRequest['message']> }) {
  const { kind, from, recipients, subject, text, html, attachments } = message;
  const to = byRole(recipients);
  const nothing = !text && !html;
  return (
    <div className="stack-2">
      <Pairs>
        <Pair name="From">{from || <span className="muted">not named: the account’s own address or name</span>}</Pair>
        {to.map(([title, addresses]) => <Pair key={title} name={title}><ul>{addresses.map((one, index) => <li key={`${index}-${one}`}>{one}</li>)}</ul></Pair>)}
        {to.length === 0 && <Pair name="To"><span className="approval-warn"><IconWarn size={14} />nobody is named</span></Pair>}
        {kind === 'email' && <Pair name="Subject">{subject || <span className="muted">none</span>}</Pair>}
        {attachments.length > 0 && (
          <Pair name={attachments.length === 1 ? 'Attachment' : 'Attachments'}>
            <ul>{attachments.map((one, index) => <li key={`${index}-${one.name}`}>{one.name || 'without a name'} <span className="muted">({one.type}, {bytes(one.bytes)})</span></li>)}</ul>
          </Pair>
        )}
      </Pairs>
      {text && <Part title="Text" content={text} />}
      {html && <Part title={text ? 'HTML part, as source: most mail programs show this one instead of the text' : 'HTML, as source: this mail has no text of its own'} content={html} />}
      {nothing && <p className="muted">There is no text in it.</p>}
    </div>
  );
}

const Part = ({ title, content }: { title: string; content: string }) => (
  <div className="stack-1">
    <p className="muted small">{title}</p>
    <Code label={title}>{content}</Code>
  </div>
);

function Whole({ approval, request, open }: { approval: Approval; request: HeldRequest['request']; open: boolean }) {
  // Up to a million bytes: not drawn before somebody looks.
  const [shown, setShown] = useState(open);
  return (
    <details className="approval-whole" open={open} onToggle={(event) => setShown(event.currentTarget.open)}>
      <summary>The whole request ({bytes(approval.requestBytes)})</summary>
      {shown && (
        <div className="stack-2">
          <Part title="Address and headers" content={headText(request)} />
          {request.body.encoding === 'none'
            ? <p className="muted small">{bodyTitle(request.body)}</p>
            : <Part title={bodyTitle(request.body)} content={bodyText(request.body)} />}
          <p className="muted small wrap-anywhere">SHA-256 of exactly this: <span className="mono">{approval.digest}</span>. One other byte needs another yes.</p>
        </div>
      )}
    </details>
  );
}

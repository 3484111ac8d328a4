import { useEffect, useRef, useState } from 'react';
import { asProblem, type Problem } from '../../api/problem';
import { useSession } from '../../app/guards';
import { Button, Dialog, ErrorNotice, Notice, Pair, Pairs } from '../../ui';
import { count } from '../../ui/format';
import { verifyLog, type Verdict } from './chain';

/** Reads the client's whole log and checks its chain in this browser. */
export function VerifyDialog({ onClose }: { onClose: () => void }) {
  const { client } = useSession();
  const [seen, setSeen] = useState<number | null>(null);
  const [verdict, setVerdict] = useState<Verdict | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const stop = useRef<AbortController | null>(null);
  useEffect(() => () => stop.current?.abort(), []);

  async function run() {
    setSeen(0);
    setProblem(null);
    stop.current = new AbortController();
    try {
      setVerdict(await verifyLog(client.id, setSeen, stop.current.signal));
    } catch (error) {
      if (!stop.current.signal.aborted) setProblem(asProblem(error));
    }
    setSeen(null);
  }

  return (
    <Dialog open onClose={onClose} title="Verify the audit log">
      {!verdict && <p>Every record holds the hash of the one before. Your browser reads the whole log and computes each hash again: a record that was edited, taken out or put in shows.</p>}
      {!window.isSecureContext && <Notice tone="warn">Browsers compute hashes only on https addresses. Use an export and the command-line check instead.</Notice>}
      {seen !== null && <p role="status" className="num">{count(seen)} records checked…</p>}
      {problem && <ErrorNotice error={problem} title="The log could not be read" />}
      {verdict && (
        <>
          {verdict.holds
            ? <Notice tone="good" title="The log is whole">All {count(verdict.records)} records are unchanged and in order.</Notice>
            : <Notice tone="bad" title="The log does not hold">{verdict.fault} Keep an export and tell the operator.</Notice>}
          {verdict.records > 0 && (
            <Pairs>
              <Pair name="Records">{verdict.first} to {verdict.last}</Pair>
              <Pair name="Last hash"><code className="wrap-anywhere">{verdict.head}</code></Pair>
            </Pairs>
          )}
          {verdict.holds && <p className="muted small">Note the last hash somewhere else: with it, a log that is rewritten as a whole shows too.{verdict.first > 1 ? ' Records before the first were deleted when their time had come.' : ''}</p>}
        </>
      )}
      <div className="dialog-actions">
        <Button onClick={onClose}>{verdict ? 'Close' : 'Cancel'}</Button>
        {!verdict && <Button variant="primary" busy={seen !== null} disabled={!window.isSecureContext} onClick={() => void run()}>Verify</Button>}
      </div>
    </Dialog>
  );
}

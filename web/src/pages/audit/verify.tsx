import { useMutation } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';
import { asProblem, type Problem } from '../../api/problem';
import { useSession } from '../../app/guards';
import { saveFile } from '../../app/save_file';
import { Button, CopyButton, Dialog, ErrorNotice, Notice, Pair, Pairs } from '../../ui';
import { count } from '../../ui/format';
import { verifyLog, type Verdict } from './chain';
import { exported } from './export';
import { filtersFrom } from './filters';

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
      {!verdict && <p>Every record holds the fingerprint (a hash) of the one before. Your browser reads the whole log and computes each of them again, so a record that was edited, taken out or put in is found.</p>}
      {!window.isSecureContext && <Notice tone="warn">Browsers compute hashes only on https addresses. Use an export and the command-line check instead.</Notice>}
      {seen !== null && <p role="status" className="num">{count(seen)} records checked…</p>}
      {problem && <ErrorNotice error={problem} title="The log could not be read" />}
      {verdict && (
        <>
          {verdict.holds
            ? <Notice tone="good" title="The log is whole">All {count(verdict.records)} records are unchanged and in order.</Notice>
            : <Notice tone="bad" title="The log was changed" action={<ExportAll />}>{verdict.fault} Export the log now, keep the file, and tell support.</Notice>}
          {verdict.records > 0 && (
            <Pairs>
              <Pair name={verdict.holds ? 'Records' : 'Unchanged before it'}>{count(verdict.first)} to {count(verdict.last)}</Pair>
              {verdict.holds && <Pair name="Fingerprint"><code className="wrap-anywhere">{verdict.head}</code><div><CopyButton text={verdict.head} size="medium" label="Copy the fingerprint" /></div></Pair>}
            </Pairs>
          )}
          {verdict.holds && <p className="muted small">Keep this fingerprint, the hash of the last record, somewhere else. If somebody ever wrote the whole log anew, it would no longer fit.{verdict.first > 1 ? ' Records before the first were deleted when their time had come.' : ''}</p>}
        </>
      )}
      <div className="dialog-actions">
        <Button onClick={onClose}>{verdict ? 'Close' : 'Cancel'}</Button>
        {!verdict && <Button variant="primary" busy={seen !== null} disabled={!window.isSecureContext} onClick={() => void run()}>Verify</Button>}
      </div>
    </Dialog>
  );
}

/** The whole log as it is now, altered records and all. */
function ExportAll() {
  const save = useMutation({ mutationFn: async () => saveFile(await exported('jsonl', filtersFrom(new URLSearchParams()), undefined), 'audit.jsonl') });
  return <Button size="small" busy={save.isPending} onClick={() => save.mutate()}>Export the log</Button>;
}

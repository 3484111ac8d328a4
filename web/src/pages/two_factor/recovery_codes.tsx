import { useState } from 'react';
import { useBranding } from '../../api/queries';
import { Button, Checkbox, CopyButton, IconDownload } from '../../ui';

/** The recovery codes, shown once. Going on needs the word that they are saved. */
export function RecoveryCodes({ codes, account, action, onDone }: { codes: string[]; account: string; action: string; onDone: () => void }) {
  const { name } = useBranding();
  const [saved, setSaved] = useState(false);

  function download() {
    const text = `${name} recovery codes for ${account}\nEach works once, instead of a code from the app.\n\n${codes.join('\n')}\n`;
    const url = URL.createObjectURL(new Blob([text], { type: 'text/plain' }));
    const link = document.createElement('a');
    link.href = url;
    link.download = `${name.toLowerCase().replace(/[^a-z0-9]+/g, '-')}-recovery-codes.txt`;
    link.click();
    URL.revokeObjectURL(url);
  }

  return (
    <div className="stack">
      <ul className="recovery-codes" aria-label="Recovery codes">
        {codes.map((code) => <li key={code}><code>{code}</code></li>)}
      </ul>
      <div className="row-wrap">
        <Button onClick={download}><IconDownload />Download</Button>
        <CopyButton text={codes.join('\n')} label="Copy all" size="medium" />
      </div>
      <Checkbox label="I have saved them" hint="In a password manager or on paper, not only on this device." checked={saved} onChange={setSaved} />
      <Button variant="primary" size="large" wide disabled={!saved} onClick={onDone}>{action}</Button>
    </div>
  );
}

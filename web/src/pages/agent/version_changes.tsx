import type { Problem } from '../../api/problem';
import type { AgentVersion } from '../../api/types';
import { pathOf, pointerOf } from '../../app/json';
import { FieldError } from '../../ui';
import { DifferenceList, type ShownDifference } from './differences';
import { resourceTitle } from './resource_fields';
import { PermissionChanges } from './sentences';
import type { VersionChange } from './version';

type Fault = Problem['fields'][number];
type Props = { change: VersionChange; before: AgentVersion; after: AgentVersion; problem?: Problem | null };

const below = (pointer: string, parent: string) => pointer === parent || pointer.startsWith(`${parent}/`);
const isAbout = ({ pointer }: Fault, path: string[]) => below(pointer, pointerOf(path));

function nameOf([part = '', ...rest]: string[]): string {
  if (part === 'runtime') return 'Runtime';
  if (part === 'runtimeVersion') return 'Version';
  return part === 'resources' ? rest.map(resourceTitle).join(' › ') : rest.join(' › ');
}

/** A change from one version of an agent to another, part by part; `problem` is what the server refused in it. */
export function VersionChanges({ change, before, after, problem }: Props) {
  const faults = problem?.fields ?? [];
  const of = (...parts: string[]) => faults.filter(({ pointer }) => parts.includes(pathOf(pointer)[0] ?? ''));
  const elsewhere = faults.filter(({ pointer }) => !['runtime', 'runtimeVersion', 'resources', 'config', 'permissions'].includes(pathOf(pointer)[0] ?? ''));
  const permissionFaults = of('permissions');
  return (
    <div className="stack">
      <Part title="Runtime" all={change.runtime} faults={of('runtime', 'runtimeVersion')} />
      <Part title="Resources" all={change.resources} faults={of('resources')} />
      <Part title="Configuration" all={change.config} faults={of('config')} />
      {change.permissions.length + permissionFaults.length > 0 && (
        <section className="stack-2 version-part">
          <h3>Permissions</h3>
          <PermissionChanges before={before.permissions} after={after.permissions} />
          <Faults faults={permissionFaults} />
        </section>
      )}
      <Faults faults={elsewhere} />
    </div>
  );
}

function Part({ title, all, faults }: { title: string; all: ShownDifference[]; faults: Fault[] }) {
  if (all.length + faults.length === 0) return null;
  const at = (path: string[]) => faults.filter((one) => isAbout(one, path)).map((one) => one.detail).join(' ') || undefined;
  return (
    <section className="stack-2 version-part">
      <h3>{title}</h3>
      {all.length > 0 && <DifferenceList all={all} label={title} name={nameOf} wrong={at} />}
      <Faults faults={faults.filter((one) => !all.some(({ path }) => isAbout(one, path)))} />
    </section>
  );
}

/** What is not about anything shown says its own place. */
function Faults({ faults }: { faults: Fault[] }) {
  return faults.map(({ pointer, detail }) => {
    const [, ...place] = pathOf(pointer);
    return <FieldError key={pointer} error={<span className="wrap-anywhere">{place.length > 0 && `${place.join(' › ')}: `}{detail}</span>} />;
  });
}

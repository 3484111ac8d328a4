#!/usr/bin/env bash
# Usage: ./dev demo [--runtime openclaw|probe] [--keep]
#
# The main job, as a script that any reader can follow: register, turn on two-factor, store a
# credential, deploy an agent, wait until it is live, read its health, output and audit, restart it,
# delete it, and prove that its container, network device, volume and credentials are gone. Needs a
# running platform (./dev up) on this DEPLOYCLAW_HOME and root for the proof. Prints every step and
# its time; ends with `demo: passed` or the first thing that did not hold.
#
#   --runtime NAME   what to deploy (default openclaw; probe needs ./dev up --test-runtimes)
#   --keep           leave the agent running at the end
set -euo pipefail
# shellcheck source=scripts/common.sh
source "$(dirname "$0")/common.sh"

runtime=openclaw keep=false
while [ $# -gt 0 ]; do
  case "$1" in
    -h | --help) show_help "$0" ;;
    --runtime) runtime=${2:?--runtime needs a name}; shift ;;
    --keep) keep=true ;;
    *) die "demo: unknown option '$1' (see ./dev demo --help)" ;;
  esac
  shift
done
install_packages curl jq oathtool

run=/run/deployclaw-$(printf %s "$(realpath "$home")" | sha256sum | cut -c1-8)
base=$(sed -n 's/^public_url = "\(.*\)"/\1/p' "$run/deployclaw.toml" 2>/dev/null || true)
[ -n "$base" ] || die "no platform runs on $home; start it with ./dev up"
docker_socket=$(sed -n 's|^host = "unix://\(.*\)"|\1|p' "$run/deployclaw.toml")

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cookie='' csrf='' secret='' last_step=0
# A made-up key: what must never be found inside the container.
api_key="sk-demo-$(head -c 24 /dev/urandom | base64 | tr -dc 'A-Za-z0-9' | head -c 32)"

# call METHOD PATH [JSON]: sets $status and $body; keeps the cookie; dies on a transport error only.
call() {
  local method=$1 path=$2 json=${3:-} arguments=()
  [ -n "$cookie" ] && arguments+=(-H "Cookie: $cookie")
  if [ "$method" != GET ]; then
    arguments+=(-H "Content-Type: application/json" -H "Origin: $base" -H "Sec-Fetch-Site: same-origin")
    [ -n "$csrf" ] && arguments+=(-H "X-CSRF-Token: $csrf")
    [ "$method" = DELETE ] || arguments+=(--data-binary "${json:-{\}}")
  fi
  status=$(curl -sS -m 30 -X "$method" -D "$work/head" -o "$work/body" -w '%{http_code}' "${arguments[@]}" "$base$path") ||
    die "$method $path: no answer from $base"
  body=$(cat "$work/body")
  local fresh
  fresh=$(sed -n 's/^[Ss]et-[Cc]ookie: \(__Host-deployclaw=[^;]*\).*/\1/p' "$work/head" | tr -d '\r' | tail -n 1)
  if [ -n "$fresh" ]; then cookie=$fresh; fi
  if [ "$status" = 403 ] && [ "$(jq -r .code <<<"$body")" = two_factor_required ] && [ -n "$secret" ]; then
    step_up
    call "$@"
  fi
}

# expect STATUS WHAT: the last answer had this status.
expect() { [ "$status" = "$1" ] || die "$2: expected $1, got $status: $body"; }
field() { jq -er "$1" <<<"$body" || die "no $1 in $body"; }

# A code is good once and for 30 seconds: wait for the next one when this one was used.
next_code() {
  while [ $(($(date +%s) / 30)) -le "$last_step" ]; do sleep 0.5; done
  last_step=$(($(date +%s) / 30))
  code=$(oathtool --totp -b "$secret")
}
step_up() {
  next_code
  call POST /api/auth/2fa/verify "{\"code\":\"$code\"}"
  expect 200 "two-factor step-up"
  refresh_csrf
}
refresh_csrf() {
  call GET /api/auth/session
  expect 200 session
  csrf=$(field .csrfToken)
}

# database SQL: one value, read as the superuser of the platform's private PostgreSQL.
database() {
  PGPASSFILE=$run/secrets/postgres.pgpass psql -h "$run/pg" -U postgres -d deployclaw -AtX -v ON_ERROR_STOP=1 -c "$1"
}
docker_api() { curl -sS -m 20 --unix-socket "$docker_socket" "http://docker/v1.41$1"; }

wait_for_deployment() {
  local deadline=$((SECONDS + 300)) state='' before=''
  while [ $SECONDS -lt $deadline ]; do
    call GET "/api/agents/$agent"
    expect 200 "read agent"
    state=$(field .agent.deployment.state)
    if [ "$state" != "$before" ]; then say "  $state"; before=$state; fi
    case "$state" in
      live) return 0 ;;
      failed | rolled_back | cancelled)
        die "the deployment ended as $state: $(jq -c '.agent | {statusReason, deployment}' <<<"$body")" ;;
    esac
    sleep 0.5
  done
  die "the deployment is still $state after 300 s"
}

email="demo-$(date +%s)-$$@example.com"
say "register $email at $base"
call POST /api/auth/register "{\"email\":\"$email\",\"password\":\"correct horse battery staple\",\"clientName\":\"Demo Ltd\"}"
expect 201 register
refresh_csrf
call GET /api/agents
[ "$status" = 401 ] || [ "$status" = 403 ] || die "agents could be listed without a second factor ($status)"
say "  with the password alone, /api/agents answers $status"

say "turn on two-factor"
call POST /api/auth/2fa/setup '{}'
expect 200 "two-factor setup"
secret=$(field .secret)
next_code
call POST /api/auth/2fa/verify "{\"code\":\"$code\"}"
expect 200 "two-factor enrolment"
say "  $(jq '.recoveryCodes | length' <<<"$body") recovery codes"
refresh_csrf

say "deploy $runtime with a credential"
permissions='{"scopes":["api:outbound","files:write"],"allowedDomains":["api.example.com"],"maxDailyTokenSpend":1.0}'
call POST /api/agents "$(jq -n --arg runtime "$runtime" --arg key "$api_key" --argjson permissions "$permissions" \
  '{name: "demo-agent", runtime: $runtime, permissions: $permissions,
    credentials: [{name: "openai", kind: "openai", value: $key}]}')"
expect 202 deploy
agent=$(field .agent.id)
wait_for_deployment
jq -r '.agent.deployment.steps[] | "    \(.name): \(.startedAt) – \(.endedAt)  \(.detail // "")"' <<<"$body"

say "health, output and audit"
for _ in $(seq 1 40); do
  call GET "/api/agents/$agent/health"
  expect 200 health
  [ "$(field .status)" = healthy ] && break
  sleep 0.5
done
[ "$(field .status)" = healthy ] || die "the agent is not healthy: $body"
say "  health: $(jq -c '{status, checks: [.checks[] | {name, status}]}' <<<"$body")"
call GET "/api/agents/$agent/output?tail=3"
expect 200 output
say "  output: $(jq -c '[.items[].line]' <<<"$body" | cut -c1-160)"
call GET "/api/agents/$agent/credentials"
expect 200 credentials
grep -qF "$api_key" <<<"$body" && die "the API shows the credential's value"
call GET "/api/audit?limit=20"
expect 200 audit
say "  audit, newest first: $(jq -c '[.items[].actionType]' <<<"$body")"

container=dc-$agent
inspect=$(docker_api "/containers/$container/json")
say "  container: $(jq -c '{user: .Config.User, readOnly: .HostConfig.ReadonlyRootfs, capDrop: .HostConfig.CapDrop, securityOpt: .HostConfig.SecurityOpt, network: .HostConfig.NetworkMode, memoryMb: (.HostConfig.Memory / 1048576), pids: .HostConfig.PidsLimit}' <<<"$inspect")"
grep -qF "$api_key" <<<"$inspect" && die "the key is in the container's settings"
pid=$(jq .State.Pid <<<"$inspect")
first_pid=$pid
# The container's processes are those that share its mount namespace ("mnt:[N]"; find takes brackets
# for a pattern, so they are escaped).
namespace=$(readlink "/proc/$pid/ns/mnt" | sed 's/[][]/\\&/g')
processes=0
for process in $(find /proc -mindepth 3 -maxdepth 3 -path '/proc/[0-9]*/ns/mnt' -lname "$namespace" -printf '%h\n' 2>/dev/null | sed 's|/ns$||'); do
  processes=$((processes + 1))
  if grep -qaF "$api_key" "$process/environ" 2>/dev/null; then die "the key is in the environment of $process"; fi
done
[ "$processes" -gt 0 ] || die "none of the container's processes were found"
if grep -rqaF "$api_key" "$home/agents/$agent" 2>/dev/null; then die "the key is on the agent's volume"; fi
say "  the key is not in the container's settings, its $processes processes' environments or volume"
interface=$(database "SELECT interface FROM agent_observations WHERE agent_id = '$agent'")
ip -o link show "$interface" >/dev/null || die "the agent has no network device '$interface'"
say "  network device: $interface, address $(database "SELECT host(address) FROM agent_observations WHERE agent_id = '$agent'")"

say "restart"
call POST "/api/agents/$agent/restart"
expect 202 restart
wait_for_deployment
second_pid=$(docker_api "/containers/$container/json" | jq .State.Pid)
[ "$first_pid" != "$second_pid" ] || die "the agent's process is the same after a restart"

if $keep; then
  say "kept: agent $agent, $email, TOTP secret $secret"
  echo "demo: passed"
  exit 0
fi

say "delete"
call DELETE "/api/agents/$agent"
expect 202 delete
for _ in $(seq 1 120); do
  call GET "/api/agents/$agent"
  [ "$status" = 404 ] && break
  sleep 0.5
done
[ "$status" = 404 ] || die "the agent is still there after 60 s: $body"
[ "$(docker_api "/containers/json?all=1" | jq --arg name "/$container" '[.[] | select(.Names[] == $name)] | length')" = 0 ] ||
  die "its container is still there"
if ip -o link show "$interface" >/dev/null 2>&1; then die "its network device $interface is still there"; fi
[ ! -e "$home/agents/$agent" ] || die "its volume is still there: $home/agents/$agent"
grep -q "$agent" /proc/mounts && die "its volume is still mounted"
rows=$(database "SELECT (SELECT count(*) FROM agent_credentials WHERE agent_id = '$agent') + (SELECT count(*) FROM agents WHERE id = '$agent')")
[ "$rows" = 0 ] || die "$rows rows of it are still in the database"
say "  container, network device, volume and credential rows are gone ($rows rows)"
call GET "/api/audit?limit=50"
expect 200 audit
jq -e '[.items[].actionType] | index("agent_deleted")' <<<"$body" >/dev/null || die "the deletion is not in the audit log"
echo "demo: passed"

#!/usr/bin/env bash
# Usage: ./dev up [--detach] [--no-image] [--test-runtimes]
#
# Makes a running platform out of a checkout: checks the machine, installs the Debian packages it
# needs, builds, builds the OpenClaw image (once; cached outside the tree), starts everything and
# prints `ready: http://localhost:PORT`. Running it again is quick and harmless.
#
#   --detach         return once it is ready; stop it with ./dev down
#   --no-image       do not build the OpenClaw image now (later: ./dev image build openclaw)
#   --test-runtimes  also build and offer the tiny probe agent
#
# Environment: DEPLOYCLAW_HOME, DEPLOYCLAW_PORT, DATABASE_URL, DOCKER_HOST, DEPLOYCLAW_CACHE.
set -euo pipefail
# shellcheck source=scripts/common.sh
source "$(dirname "$0")/common.sh"

detach=false image=true test_runtimes=false
for argument in "$@"; do
  case "$argument" in
    -h | --help) show_help "$0" ;;
    --detach) detach=true ;;
    --no-image) image=false ;;
    --test-runtimes) test_runtimes=true ;;
    *) die "up: unknown option '$argument' (see ./dev up --help)" ;;
  esac
done

preflight() {
  need_root
  [ -r /etc/debian_version ] || die "this needs Debian 12: apt-get is how it installs what it needs"
  case "$(uname -m)" in x86_64) ;; *) die "only x86_64 is supported, this is $(uname -m)" ;; esac
  mkdir -p "$home" || die "cannot create $home; set DEPLOYCLAW_HOME to a folder that can be written"
  local free memory
  free=$(df --output=avail -B1M "$home" | tail -n 1)
  [ "$free" -ge 6000 ] || die "$home has ${free} MB free, at least 6000 are needed; free some or set DEPLOYCLAW_HOME to another disk"
  memory=$(awk '/MemTotal/ {print int($2 / 1024)}' /proc/meminfo)
  [ "$memory" -ge 3500 ] || die "this machine has ${memory} MB of memory, at least 3500 are needed (an agent takes up to 2 GB)"
  [ -e /dev/loop-control ] || modprobe loop 2>/dev/null || die "no loop devices: agents' volumes need them; load the kernel module 'loop'"
  [ -e /proc/self/ns/net ] || die "this kernel has no network namespaces (CONFIG_NET_NS)"
  [ -d /sys/fs/cgroup/memory ] || [ -f /sys/fs/cgroup/cgroup.controllers ] || die "no memory cgroup is mounted under /sys/fs/cgroup: agents' limits need it"
}

already_running() {
  local pid
  pid=$(cat "$home/up.lock" 2>/dev/null || true)
  [ -n "$pid" ] && [ -d "/proc/$pid" ] && ! flock -n "$home/up.lock" true 2>/dev/null
}

port_is_free() { ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; }

preflight
if already_running; then
  say "already running (pid $(cat "$home/up.lock"))"
  echo "ready: http://localhost:$port"
  exit 0
fi
port_is_free || die "port $port is taken; free it or set DEPLOYCLAW_PORT"

install_packages "${build_packages[@]}" "${run_packages[@]}" "${test_packages[@]}"
install_node
compile release deployclaw
build_web
program=$(DEPLOYCLAW_PRESET=release binary)
if $image; then
  say "image of OpenClaw"
  DEPLOYCLAW_HOME=$home "$program" image build openclaw
fi
overrides=()
if $test_runtimes; then
  say "image of the probe agent"
  DEPLOYCLAW_HOME=$home "$program" image build probe
  overrides+=(--set api.allow_test_runtimes=true)
fi

export DEPLOYCLAW_HOME=$home DEPLOYCLAW_PORT=$port
say "starting the platform"
if ! $detach; then
  exec "$program" up "${overrides[@]}"
fi

mkdir -p "$home/log"
log=$home/log/up.log
: >"$log"
setsid "$program" up "${overrides[@]}" >>"$log" 2>&1 </dev/null &
pid=$!
shown=0
while true; do
  total=$(wc -l <"$log")
  if [ "$total" -gt "$shown" ]; then
    sed -n "$((shown + 1)),${total}p" "$log" | grep -v '^{' || true
    shown=$total
  fi
  grep -q '^ready: ' "$log" && break
  kill -0 "$pid" 2>/dev/null || die "the platform did not start; see $log"
  sleep 0.2
done

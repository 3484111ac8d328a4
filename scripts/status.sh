#!/usr/bin/env bash
# Usage: ./dev status
#
# Tells whether the platform runs on this DEPLOYCLAW_HOME, its processes, and what is not ready.
set -euo pipefail
# shellcheck source=scripts/common.sh
source "$(dirname "$0")/common.sh"
case "${1:-}" in -h | --help) show_help "$0" ;; esac

pid=$(cat "$home/up.lock" 2>/dev/null || true)
if [ -z "$pid" ] || [ ! -d "/proc/$pid" ] || flock -n "$home/up.lock" true 2>/dev/null; then
  echo "not running (data: $home)"
  exit 3
fi
run=/run/deployclaw-$(printf %s "$(realpath "$home")" | sha256sum | cut -c1-8)
echo "running: pid $pid, data $home, sockets and settings $run"
ps -o pid,user:10,etime,rss,args --ppid "$pid" | cut -c1-110
setting() { sed -n "/^\[$1\]/,/^\[/s/^$2 = \"\(.*\)\"/\1/p" "$run/deployclaw.toml" 2>/dev/null | head -n 1; }
echo "dashboard and API: $(setting api public_url)"
for role in api:internal_listen egress:listen orchestrator:listen; do
  listen=$(setting "${role%%:*}" "${role##*:}")
  printf '%-13s %s\n' "${role%%:*}" "$(curl -s -m 3 "http://$listen/readyz" || echo 'does not answer')"
done
[ -S "$run/docker.sock" ] && echo "private Docker: DOCKER_HOST=unix://$run/docker.sock"
true

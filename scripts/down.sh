#!/usr/bin/env bash
# Usage: ./dev down
#
# Stops the platform that `./dev up` started on this DEPLOYCLAW_HOME: the roles, the private PostgreSQL
# and Docker Engine, and with that engine its agents. Data stays in var/; the next `up` goes on from it.
set -euo pipefail
# shellcheck source=scripts/common.sh
source "$(dirname "$0")/common.sh"
case "${1:-}" in -h | --help) show_help "$0" ;; esac

pid=$(cat "$home/up.lock" 2>/dev/null || true)
if [ -z "$pid" ] || [ ! -d "/proc/$pid" ] || flock -n "$home/up.lock" true 2>/dev/null; then
  say "nothing runs on $home"
  exit 0
fi
kill -TERM "$pid"
say "stopping (pid $pid)"
for _ in $(seq 1 900); do
  [ -d "/proc/$pid" ] || { say "stopped"; exit 0; }
  sleep 0.1
done
die "pid $pid has not stopped after 90 s; see $home/log/up.log"

#!/usr/bin/env bash
# Usage: ./dev bench [NAME]
#
# Measures ourselves beside a peer in one run and prints ratios; writes var/bench/NAME.json:
# [{metric, ours, peer, ratio, target, holds}]. NAME: api, deploy, plan, memory (default: all).
set -euo pipefail
# shellcheck source=scripts/common.sh
source "$(dirname "$0")/common.sh"
case "${1:-}" in -h | --help) show_help "$0" ;; esac
need_root
install_packages "${build_packages[@]}" "${run_packages[@]}" "${test_packages[@]}" wrk
install_node
compile release
names=("$@")
[ ${#names[@]} -gt 0 ] || names=(plan api memory deploy)
mkdir -p "$root/var/bench"
for name in "${names[@]}"; do
  [ -x "$root/bench/$name.sh" ] || die "no bench '$name'; there are: $(cd "$root/bench" && ls ./*.sh | sed 's|./||; s|\.sh$||' | tr '\n' ' ')"
  say "bench $name"
  "$root/bench/$name.sh" "$root/var/bench/$name.json"
done

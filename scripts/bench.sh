#!/usr/bin/env bash
# Usage: ./dev bench [NAME]
#
# Measures ourselves beside a peer in one run and prints ratios; writes var/bench/NAME.json:
# [{metric, ours, peer, ratio, target, holds}]; what has no peer is held against a mark. NAME: plan, policy, scrub, api (with the idle platform's memory), deploy, egress, replay, web (default: all).
set -euo pipefail
# shellcheck source=scripts/common.sh
source "$(dirname "$0")/common.sh"
case "${1:-}" in -h | --help) show_help "$0" ;; esac
need_root
install_packages "${build_packages[@]}" "${run_packages[@]}" "${test_packages[@]}" wrk
install_node
compile release deployclaw plan_bench policy_bench scrub_bench egress_load
names=("$@")
[ ${#names[@]} -gt 0 ] || names=(plan policy scrub api deploy egress replay web)
mkdir -p "$root/var/bench"
for name in "${names[@]}"; do
  out=$root/var/bench/$name.json
  say "bench $name"
  case "$name" in
    plan) "$root/build/release/bench/plan_bench" "$out" ;;
    policy) "$root/build/release/bench/policy_bench" "$out" "$root/catalog" ;;
    scrub) "$root/build/release/bench/scrub_bench" "$out" ;;
    api) node "$root/bench/api.mjs" "$out" ;;
    replay) node "$root/bench/replay.mjs" "$out" ;;
    egress) node "$root/bench/egress.mjs" "$out" ;;
    web)
      build_web
      install_packages "${web_test_packages[@]}"
      node "$root/bench/web.mjs" "$out"
      node "$root/bench/web_first_load.mjs" "${out%.json}_first_load.json"
      node "$root/bench/web_sorting.mjs" "${out%.json}_sorting.json"
      ;;
    deploy)
      DEPLOYCLAW_HOME=${DEPLOYCLAW_TEST_HOME:-$root/build/test-home} "$(binary)" image build openclaw
      node "$root/bench/deploy.mjs" "$out"
      ;;
    *) die "no bench '$name'; there are: plan, policy, scrub, api, deploy, egress, replay, web" ;;
  esac
done

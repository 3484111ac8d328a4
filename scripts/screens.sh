#!/usr/bin/env bash
# Usage: ./dev screens
#
# Starts a platform of its own, fills it with example data through the API and writes a picture of
# every page, of the states that matter and of each step of a first time, wide and narrow, light and dark, to
# var/screens; prints how much the first time asks of a person.
set -euo pipefail
# shellcheck source=scripts/common.sh
source "$(dirname "$0")/common.sh"
case "${1:-}" in -h | --help) show_help "$0" ;; esac
need_root
install_packages "${build_packages[@]}" "${run_packages[@]}" "${test_packages[@]}" "${web_test_packages[@]}"
install_node
compile release deployclaw
build_web
export DEPLOYCLAW_TEST_HOME=${DEPLOYCLAW_TEST_HOME:-$root/build/test-home}
mkdir -p "$DEPLOYCLAW_TEST_HOME" "$root/var/screens"
DEPLOYCLAW_HOME=$DEPLOYCLAW_TEST_HOME "$(binary)" image build probe
node "$root/tests/web/screens.mjs" "$root/var/screens"

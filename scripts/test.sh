#!/usr/bin/env bash
# Usage: ./dev test [--fast] [CTEST OPTIONS...]
#
# Runs everything: unit, property and integration tests under ASan and UBSan against throw-away
# PostgreSQL and Docker, then the end-to-end tests of the release build, the real OpenClaw image
# included, and of the web pages in a browser. Starts every service it needs itself. Ends with ctest's summary.
#
#   --fast        without the end-to-end tests
#   -R REGEX …    passed on to ctest
set -euo pipefail
# shellcheck source=scripts/common.sh
source "$(dirname "$0")/common.sh"

fast=false
arguments=()
for argument in "$@"; do
  case "$argument" in
    -h | --help) show_help "$0" ;;
    --fast) fast=true ;;
    *) arguments+=("$argument") ;;
  esac
done
$fast && arguments+=(-LE e2e)

need_root
install_packages "${build_packages[@]}" "${run_packages[@]}" "${test_packages[@]}" "${web_test_packages[@]}"
install_node
build_web
compile release deployclaw
compile asan

say "images"
export DEPLOYCLAW_TEST_HOME=${DEPLOYCLAW_TEST_HOME:-$root/build/test-home}
mkdir -p "$DEPLOYCLAW_TEST_HOME"
program=$(DEPLOYCLAW_PRESET=release binary)
DEPLOYCLAW_HOME=$DEPLOYCLAW_TEST_HOME "$program" image build probe
if ! $fast; then
  DEPLOYCLAW_HOME=$DEPLOYCLAW_TEST_HOME "$program" image build openclaw
  # The second place for a platform: tests/e2e/harness.mjs.
  DEPLOYCLAW_HOME=$DEPLOYCLAW_TEST_HOME-second "$program" image build probe
fi

say "tests"
export ASAN_OPTIONS=detect_leaks=1:detect_stack_use_after_return=1
export UBSAN_OPTIONS=print_stacktrace=1
ctest --test-dir "$root/build/asan" --output-on-failure --parallel 2 "${arguments[@]}"

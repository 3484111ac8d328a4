#!/usr/bin/env bash
# Usage: ./dev image build RUNTIME [options] | ./dev image list
#
# Builds (or finds in the cache) the image of a runtime: openclaw, probe, picoclaw. The result is kept
# in DEPLOYCLAW_CACHE (default /var/cache/deployclaw), named by the hash of all that went into it.
set -euo pipefail
# shellcheck source=scripts/common.sh
source "$(dirname "$0")/common.sh"
case "${1:-}" in "" | -h | --help) show_help "$0" ;; esac

install_packages "${build_packages[@]}" "${run_packages[@]}"
install_node
compile release deployclaw
DEPLOYCLAW_HOME=$home exec "$(DEPLOYCLAW_PRESET=release binary)" image "$@"

#!/usr/bin/env bash
# Usage: ./dev build [PRESET|web] [TARGET...]
#
# Compiles with a CMake preset (dev, release, gcc, asan, tsan, fuzz; default release), installing the
# compiler and libraries when they are missing. Results are in build/PRESET; ccache keeps repeats quick.
# Without a target it also builds the web pages into web/dist when npm is there; `web` builds only those.
set -euo pipefail
# shellcheck source=scripts/common.sh
source "$(dirname "$0")/common.sh"
case "${1:-}" in -h | --help) show_help "$0" ;; esac

preset=${1:-release}
[ $# -gt 0 ] && shift
if [ "$preset" = web ]; then
  install_node
  build_web
  say "built in web/dist"
  exit 0
fi
install_packages "${build_packages[@]}" "${test_packages[@]}"
compile "$preset" "$@"
if [ $# -eq 0 ] && command -v npm >/dev/null; then build_web; fi
say "built in build/$preset"

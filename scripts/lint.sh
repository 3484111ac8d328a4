#!/usr/bin/env bash
# Usage: ./dev lint
#
# Checks formatting, the coroutine rule ("name it, then await it"), the layers between modules,
# forbidden names, file sizes and the shell scripts. CMake refuses layer breaks at configure time too.
set -euo pipefail
# shellcheck source=scripts/common.sh
source "$(dirname "$0")/common.sh"
case "${1:-}" in -h | --help) show_help "$0" ;; esac
install_packages clang-format-19 shellcheck python3
cd "$root"
scripts/fmt.sh --check && echo "formatting: good"
python3 scripts/lint.py
shellcheck -x -S warning dev .ci/run scripts/*.sh images/*/build && echo "scripts: good"

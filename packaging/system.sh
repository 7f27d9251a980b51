#!/usr/bin/env bash
# What must be on the system before Python can help: its venv module, and the libraries of Qt.
#   system.sh python PYTHON             a Python that can make a virtual environment
#   system.sh qt PYTHON window|offscreen    the libraries that a window, or a window drawn in memory, needs
# Where something is missing the one apt line is printed. Root runs it at once; nobody else does, and sudo is never called.
set -euo pipefail

mend() {  # mend WHAT PACKAGE...
  local what=$1 log; shift
  echo "$what One line mends it:"
  echo "  sudo apt-get update && sudo apt-get install -y $*"
  if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then return 1; fi
  echo "This is root, so it is done now."
  log=$(mktemp)
  export DEBIAN_FRONTEND=noninteractive
  if apt-get update -qq >"$log" 2>&1 && apt-get install -y -qq --no-install-recommends "$@" >>"$log" 2>&1; then
    rm -f "$log"
  else
    tail -n 5 "$log"; rm -f "$log"; return 1
  fi
}

case ${1:-} in
  python)
    py=${2:-}
    if [ -z "$py" ]; then
      echo "samdesk needs Python 3.11, 3.12 or 3.13; none is here. With one elsewhere: make PYTHON=/path/to/python"
      exit 2
    fi
    if ! "$py" -c 'import venv, ensurepip' 2>/dev/null; then
      version=$("$py" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
      mend "Python $version has no venv module." "python$version-venv" || exit 2
    fi
    ;;
  qt)
    py=${2:?} kind=${3:?}
    if [ "$(uname -s)" != Linux ]; then exit 0; fi
    if [ "$kind" = offscreen ]; then export QT_QPA_PLATFORM=offscreen; fi
    packages=$("$py" -m samdesk.app.display)
    if [ -n "$packages" ]; then
      # shellcheck disable=SC2086 - the packages are words
      mend "Some system libraries that Qt needs are missing." $packages || exit 6
    fi
    ;;
  *) echo "usage: system.sh python PYTHON | qt PYTHON window|offscreen"; exit 2 ;;
esac

#!/usr/bin/env bash
# install_torch.sh PYTHON CONSTRAINTS: torch as the constraints say, and never gigabytes of CUDA by accident.
set -euo pipefail
py=$1 constraints=$2
version=$(sed -nE 's/^torch==([0-9.]+).*/\1/p' "$constraints")
pip() { "$py" -m pip --disable-pip-version-check -qq "$@"; }

if "$py" -c "import importlib.metadata as m, sys; sys.exit(m.version('torch').split('+')[0] != '$version')" 2>/dev/null; then
  exit 0
fi
if [ "$(uname -s)" != Linux ]; then  # the plain wheel of other systems has no CUDA
  pip install -c "$constraints" "torch==$version"
  exit
fi
wheels=$(mktemp -d)
trap 'rm -rf "$wheels"' EXIT
# A local wheel, where pip is told of a folder with one.
if pip download --no-index --no-deps -d "$wheels" "torch==$version" >/dev/null 2>&1; then
  echo "torch $version comes from a local wheel"
  pip install -c "$constraints" "$wheels"/torch-*.whl
else
  # uv knows PyTorch's own wheel index: the processor's build, or the one that fits the graphics driver.
  backend=cpu
  if nvidia-smi -L 2>/dev/null | grep -q GPU; then backend=auto; fi
  echo "torch $version, built for: $backend"
  pip install uv
  "$py" -m uv pip install -q --python "$py" -c "$constraints" --torch-backend="$backend" "torch==$version"
fi

#!/usr/bin/env bash
# pip installs stardist and what it asks for, and a program imports it.
# One expects that versions which pip puts together work together.
# stardist 0.9.1 sets no bound on NumPy, and its wheels are built for NumPy 1: beside NumPy 2, which pip takes, the import
# ends with an ImportError. With NumPy 1 it works, so that it cannot share an environment with code that needs NumPy 2.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
"${PYTHON:-python3}" -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install --quiet 'stardist==0.9.1' 'csbdeep==0.8.2' 'numpy==2.4.6'
cd "$tmp"
asked=$(venv/bin/python -c 'import importlib.metadata as m; print(*(r for r in m.requires("stardist") if "extra" not in r), sep=", ")')
echo "stardist 0.9.1 asks for $asked"
import='import numpy, stardist; print("imported beside NumPy", numpy.__version__)'
two=$(venv/bin/python -c "$import" 2>&1 | tail -1) || true
echo "beside NumPy 2.4.6: $two"
venv/bin/pip install --quiet 'numpy==1.26.4' 'scipy==1.13.1' 'scikit-image==0.24.0' 'numba==0.60.0' 'tifffile==2024.8.30'
one=$(venv/bin/python -c "$import" 2>&1 | tail -1) || true
echo "beside NumPy 1.26.4: $one"
case "$two/$one" in
  "ImportError: numpy.core.multiarray failed to import/imported beside NumPy 1.26.4") ;;
  *) echo "The behaviour has changed." >&2; exit 1 ;;
esac
echo "As stated: pip takes NumPy 2, and the import fails."

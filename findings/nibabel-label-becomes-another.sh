#!/usr/bin/env bash
# A mask with the classes 1, 2 and 3 as float32 (what a resampling function returns) is saved as NIfTI with
# set_data_dtype(numpy.uint8), and read with get_fdata.
# One expects whole numbers that fit into the type to be stored as they are.
# nibabel 5.4.2 spreads the range of the values over 0 to 255 and stores a slope. Class 2 comes back as 1.996, and
# astype(int) makes it class 1. With int16 all classes but the lowest may drop by one.
# An integer array is stored as it is, so the same mask is right or wrong by the type it had in memory.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
"${PYTHON:-python3}" -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install --quiet 'nibabel==5.4.2' 'numpy==2.4.6'
cd "$tmp"
venv/bin/python - <<'PY'
import sys
import nibabel
import numpy as np

print("nibabel", nibabel.__version__)


def round_trip(classes, in_memory, stored):
    mask = nibabel.Nifti1Image(np.array(classes, in_memory).reshape(-1, 1, 1), np.eye(4))
    mask.set_data_dtype(stored)
    nibabel.save(mask, "a.nii.gz")
    read = nibabel.load("a.nii.gz").get_fdata().ravel()
    print(f"{classes} as {in_memory.__name__}, stored as {stored.__name__}: {read.round(6).tolist()}, ", end="")
    print("astype(int)", read.astype(int).tolist())
    return read.astype(int).tolist()


seen = [
    round_trip([1, 2, 3], np.float32, np.uint8),
    round_trip([0, 1, 2, 4], np.float32, np.uint8),
    round_trip([0, 1, 2, 3], np.float32, np.int16),
    round_trip([1, 2, 3], np.uint8, np.uint8),
]
if seen != [[1, 1, 3], [0, 1, 1, 4], [0, 0, 1, 2], [1, 2, 3]]:
    sys.exit("The behaviour has changed.")
print("As stated: a class number turns into its neighbour.")
PY

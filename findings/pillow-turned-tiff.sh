#!/usr/bin/env bash
# A TIFF with orientation tag 6 (a quarter turn), one strip, no compression; grey, 16-bit grey, RGBA or CMYK.
# One expects Pillow to give the turned picture, as it does for the same pixels stored with LZW.
# Pillow 13.0.0 does so only if it is given an open file. Opened by its path, the file is mapped into memory with
# width and height already swapped: its bytes are cut into rows of the wrong length and then turned. The array has
# the shape of the unturned picture and mixed-up pixels. No error, no warning.
# Scanners and microscopes write such files. Picture and mask may take different routes, and then they do not fit.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
"${PYTHON:-python3}" -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install --quiet 'pillow==13.0.0' 'numpy==2.4.6'
cd "$tmp"
venv/bin/python - <<'PY'
import sys
import numpy as np
import PIL
from PIL import Image

print("Pillow", PIL.__version__)
tall = np.arange(24, dtype=np.uint8).reshape(6, 4)
right = np.rot90(tall, -1)
pictures = {
    "L": Image.fromarray(tall),
    "I;16": Image.fromarray(tall.astype(np.uint16)),
    "RGBA": Image.fromarray(np.stack([tall] * 4, -1)),
    "CMYK": Image.frombytes("CMYK", (4, 6), np.stack([tall] * 4, -1).tobytes()),
}


def first_band(source):
    array = np.array(Image.open(source))
    return array if array.ndim == 2 else array[..., 0]


seen = {}
for mode, picture in pictures.items():
    picture.save("plain.tif", tiffinfo={274: 6})
    picture.save("lzw.tif", tiffinfo={274: 6}, compression="tiff_lzw")
    with open("plain.tif", "rb") as file:
        by_file = first_band(file)
    by_path = first_band("plain.tif")
    seen[mode] = (
        np.array_equal(first_band("lzw.tif"), right),
        np.array_equal(by_file, right),
        by_path.shape,
        np.array_equal(by_path, tall),
    )
    print(f"{mode}: LZW right {seen[mode][0]}, open file right {seen[mode][1]}, by path {by_path.shape}")
pictures["L"].save("plain.tif", tiffinfo={274: 6})
by_path = first_band("plain.tif")
print("stored:", tall.tolist())
print("should be read:", right.tolist())
print("read by path:", by_path.tolist())
scrambled = np.rot90(tall.reshape(4, 6), -1)
if any(s != (True, True, (6, 4), False) for s in seen.values()) or not np.array_equal(by_path, scrambled):
    sys.exit("The behaviour has changed.")
print("As stated: opened by path, the picture is scrambled.")
PY

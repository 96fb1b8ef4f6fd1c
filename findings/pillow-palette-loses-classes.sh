#!/usr/bin/env bash
# A mask with class numbers as a palette PNG, the form of Pascal VOC: classes 0 to 3 and 255 for "do not score".
# One expects the numbers to come back whatever colours they have; a number without a colour is just not drawn.
# Pillow 13.0.0 counts the colours of the palette and stores only as many bits per pixel as they need: with a palette
# of four colours, 255 comes back as 3 and 5 as 1. From 17 colours on all 8 bits are stored. No error, no warning.
# Pixels that should not count become pixels of a real class.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
"${PYTHON:-python3}" -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install --quiet 'pillow==13.0.0' 'numpy==2.4.6'
cd "$tmp"
venv/bin/python -W error - <<'PY'
import sys
import numpy as np
import PIL
from PIL import Image

print("Pillow", PIL.__version__)
classes = np.array([[0, 1, 2, 3, 4, 5, 17, 255]], np.uint8)
print("written:", classes[0].tolist())
seen = {}
for colours in (2, 4, 16, 17, 256):
    mask = Image.fromarray(classes)
    mask.putpalette([40 * (i % 6) for i in range(3 * colours)])
    if not np.array_equal(np.array(mask), classes):
        sys.exit("The behaviour has changed: the numbers change before they are saved.")
    mask.save("a.png")
    with Image.open("a.png") as saved:
        seen[colours] = np.array(saved)[0].tolist()
    print(f"read, palette of {colours} colours:", seen[colours])
stated = {
    2: [0, 1, 1, 1, 1, 1, 1, 1],
    4: [0, 1, 2, 3, 0, 1, 1, 3],
    16: [0, 1, 2, 3, 4, 5, 1, 15],
    17: classes[0].tolist(),
    256: classes[0].tolist(),
}
if seen != stated:
    sys.exit(f"The behaviour has changed: stated was {stated}")
print("As stated: numbers beyond the palette turn into other classes.")
PY

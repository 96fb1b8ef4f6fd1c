#!/usr/bin/env bash
# How many frames OpenCV says a film has that was cut without encoding it anew, as telephones and `ffmpeg -c copy` do.
# One expects what can be read. OpenCV 5.0.0 says 40 and reads 35: the cut begins between two key frames, so the file
# keeps the five frames before it, and an edit list hides them. CAP_PROP_FRAME_COUNT counts them, reading and
# CAP_PROP_POS_FRAMES do not: frame 10 of the film is frame 15 of the file. A loop over the count ends with five empty
# frames, a progress bar at 88 %, and annotations by the file's numbers lie five frames off.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
"${PYTHON:-python3}" -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install --quiet 'opencv-python-headless==5.0.0.93' 'av==18.1.0' 'numpy==2.4.6'
cd "$tmp"
venv/bin/python - <<'PY'
import sys
from fractions import Fraction

import av
import cv2
import numpy as np

print("OpenCV", cv2.__version__, "PyAV", av.__version__)
FRAMES, STEP, CUT = 40, 5, 5  # how much brighter each frame is; frames cut off

with av.open("film.mp4", "w") as film:
    stream = film.add_stream("libx264", rate=25)
    stream.width = stream.height = 64
    stream.pix_fmt = "yuv420p"
    stream.options = {"g": "12"}
    for i in range(FRAMES):
        frame = av.VideoFrame.from_ndarray(
            np.full((64, 64, 3), i * STEP, np.uint8), format="rgb24"
        )
        frame.pts, frame.time_base = i, Fraction(1, 25)
        film.mux(stream.encode(frame))
    film.mux(stream.encode())

with av.open("film.mp4") as film, av.open("cut.mp4", "w") as cut:
    source = film.streams.video[0]
    stream = cut.add_stream_from_template(source)
    for packet in film.demux(source):
        if packet.dts is not None:
            packet.pts -= int(CUT / 25 / source.time_base)
            packet.dts -= int(CUT / 25 / source.time_base)
            packet.stream = stream
            cut.mux(packet)

said, read = {}, {}
for name in ("film", "cut"):
    capture = cv2.VideoCapture(f"{name}.mp4")
    said[name] = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
    numbers = []
    while (result := capture.read())[0]:
        numbers.append(round(float(result[1].mean()) / STEP))
    read[name] = numbers
    print(f"{name}: says {said[name]}, reads {len(numbers)}, first {numbers[0]}")
capture = cv2.VideoCapture("cut.mp4")
capture.set(cv2.CAP_PROP_POS_FRAMES, 10)
at = round(float(capture.read()[1].mean()) / STEP)
print("frame 10 of the cut film is frame", at, "of the file")
usual = said["film"] == len(read["film"]) == FRAMES
hidden = said["cut"] == FRAMES and len(read["cut"]) == FRAMES - CUT
sys.exit(not (usual and hidden and at == 10 + CUT))
PY

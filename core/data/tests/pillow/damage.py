"""Writes `restart.jpg` and `damage.txt`: what Pillow makes of damaged copies of the images here.

Each line of `damage.txt` is one kind of damage to one image and its outcome: `same` (Pillow
decodes the pixels of the undamaged image), `other` (it decodes other pixels, such as grey for
what is missing) or `refused`. The damage is one of
    cut FIRST LAST HEX       only the first n bytes, then HEX, for each n from FIRST to LAST
    insert AT HEX            HEX before byte AT
usage: python damage.py        (in this folder; needs Pillow and numpy)
"""
import io
from itertools import groupby

import numpy as np
from PIL import Image

BASES = ["rgb420.jpg", "progressive.jpg", "grey.jpg", "cmyk.jpg", "restart.jpg"]
END = b"\xff\xd9"
# Between segments: bytes of no meaning, fill bytes, markers with and without a meaning there.
JUNK = ["00", "000001", "ff", "ffffff", "ff00", "ff00ff00", "ffd0", "ffd300", "ff01", "ff02",
        "ffbf", "ffc8", "ffd8", "ffd9", "fff0", "fffd", "fffe0004abcd", "ffe10004abcd",
        "0d0a", "20" * 40]
# Behind the end marker: films, thumbnails, markers, a second image.
TRAILERS = ["00", "ff", "ffda", "ffd8", "ffd9", "ffdaffd9", "ffd8ffda0000",
            b"MotionPhoto_Data\0\0\0\x18ftypmp42\xff\xda\0\x08\xff\xd8\xff\xe0".hex()]


def restart():
    y, x = np.mgrid[0:12, 0:16]
    pixels = np.stack([15 * x, 20 * y, 8 * (x + y)], axis=2).astype(np.uint8)
    image = Image.fromarray(pixels)
    image.save("restart.jpg", quality=90, subsampling=0, restart_marker_blocks=1)
    open("restart.jpg.rgb", "wb").write(Image.open("restart.jpg").convert("RGB").tobytes())


def read(data):
    try:
        return Image.open(io.BytesIO(data)).convert("RGB").tobytes()
    except Exception:
        return None


def boundaries(data):
    """Where a segment or the end marker begins."""
    at, places = 2, []
    while True:
        places.append(at)
        marker = data[at + 1]
        if marker == 0xD9:
            return places
        at += 2 + int.from_bytes(data[at + 2:at + 4], "big")
        while marker == 0xDA and (data[at] != 0xFF or data[at + 1] in (0, *range(0xD0, 0xD8))):
            at += 1


def main():
    restart()
    lines = []
    for name in BASES:
        whole = open(name, "rb").read()
        pixels = read(whole)

        def outcome(data):
            found = read(data)
            return "refused" if found is None else "same" if found == pixels else "other"

        for tail in (b"", END):
            cuts = [(n, outcome(whole[:n] + tail)) for n in range(len(whole) - 1)]
            for result, group in groupby(cuts, key=lambda cut: cut[1]):
                group = list(group)
                lines.append(f"{name} cut {group[0][0]} {group[-1][0]} {tail.hex() or '-'} {result}")
        for at in [0, 1, *boundaries(whole)]:
            for junk in JUNK:
                data = whole[:at] + bytes.fromhex(junk) + whole[at:]
                lines.append(f"{name} insert {at} {junk} {outcome(data)}")
        for trailer in [*TRAILERS, whole.hex(), open("grey.jpg", "rb").read().hex()]:
            data = whole + bytes.fromhex(trailer)
            lines.append(f"{name} insert {len(whole)} {trailer} {outcome(data)}")
    open("damage.txt", "w").write("\n".join(lines) + "\n")


main()

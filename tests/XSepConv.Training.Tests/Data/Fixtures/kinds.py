#!/usr/bin/env python3
"""Writes a small picture of every kind of PNG and JPEG file, with the pixels that Pillow sees, or why it must be refused.

Debian: apt install python3-pil python3-numpy; then /usr/bin/python3 kinds.py [FOLDER [SEED]]. The files of seed 0 are checked in, in kinds/.

For every file NAME there is either NAME.expected, [height, width, 3] as Pillow's exif_transpose, alpha_composite on white and convert("RGB") give it, or NAME.refused,
a part of the error that is due.
"""
import io
import os
import struct
import sys
import warnings
import zlib

import numpy as np
from PIL import Image, ImageOps

folder = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(os.path.abspath(__file__)), "kinds")
seed = int(sys.argv[2]) if len(sys.argv) > 2 else 0
rng = np.random.default_rng(seed)
height, width = (13, 21) if seed == 0 else (int(n) for n in rng.integers(9, 40, 2))
warnings.simplefilter("ignore")  # Pillow's, over the broken EXIF that is wanted here
os.makedirs(folder, exist_ok=True)


def smooth(channels):
    y, x = np.mgrid[0:height, 0:width]
    planes = []
    for _ in range(channels):
        a, b = rng.uniform(-1.5, 1.5, 2)
        planes.append(127.5 + 127 * np.sin(2 * np.pi * (a * x / width + b * y / height) + rng.uniform(0, 6)))
    return np.stack(planes, -1).astype(np.uint8)


picture, alpha = smooth(3), smooth(1)
image, grey = Image.fromarray(picture), Image.fromarray(picture[:, :, 0])


def seen(data):
    """What Pillow sees. Of 16-bit grey it makes 8 bits by cutting off at 255, which is a fault of it: the upper byte is right, as for its 16-bit colours."""
    opened = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    opened.load()
    if opened.mode.startswith("I"):
        return (np.array(opened).astype(np.uint32) >> 8).astype(np.uint8)[:, :, None].repeat(3, 2)
    if opened.mode in ("RGBA", "LA") or "transparency" in opened.info:
        opened = opened.convert("RGBA")
        opened = Image.alpha_composite(Image.new("RGBA", opened.size, (255, 255, 255, 255)), opened)
    return np.array(opened.convert("RGB"))


def write(name, data):
    with open(os.path.join(folder, name), "wb") as file:
        file.write(data)


def put(name, data, expected=None):
    write(name, data)
    write(name + ".expected", (seen(data) if expected is None else expected).tobytes())


def refuse(name, data, why):
    write(name, data)
    write(name + ".refused", why.encode())


# ---- JPEG

def jpeg(source=image, **options):
    buffer = io.BytesIO()
    source.save(buffer, "JPEG", quality=90, **{"subsampling": "4:4:4", **options})
    return buffer.getvalue()


def segment(marker, data):
    return bytes([0xFF, marker]) + struct.pack(">H", len(data) + 2) + data


def without(data, marker):
    at = data.index(bytes([0xFF, marker]))
    return data[:at] + data[at + 2 + struct.unpack(">H", data[at + 2:at + 4])[0]:]


def behind(data, more):
    """After the start of the image."""
    return data[:2] + more + data[2:]


def before(data, marker, more):
    at = data.index(bytes([0xFF, marker]))
    return data[:at] + more + data[at:]


def changed(data, at, value):
    return data[:at] + bytes([value]) + data[at + 1:]


def adobe(transform):
    return segment(0xEE, b"Adobe\0\x64\0\0\0\0" + bytes([transform]))


def named(data, ids):
    """Components called otherwise than 1, 2, 3."""
    frame, scan = data.index(b"\xff\xc0"), data.index(b"\xff\xda")
    for i, name in enumerate(ids):
        data = changed(changed(data, frame + 10 + 3 * i, name), scan + 5 + 2 * i, name)
    return data


def restarted(sampling="4:4:4"):
    """Pillow 9 writes no restart markers; a file of grey blocks, one byte each, is easily made by hand: a difference of 0 and the end of the block."""
    data = jpeg(Image.new("RGB", (width, height), (128, 128, 128)), subsampling=sampling)
    scan = data.index(b"\xff\xda")
    unit = 8 if sampling == "4:4:4" else 16
    units = -(-width // unit) * -(-height // unit)
    # Luma: 00 (no bits of difference), 1010 (end of block); chroma: 00, 00.
    bits = "001010" * (1 if unit == 8 else 4) + "0000" * 2
    bits += "1" * (-len(bits) % 8)
    one = int(bits, 2).to_bytes(len(bits) // 8, "big")
    entropy = b"".join(one + (bytes([0xFF, 0xD0 + i % 8]) if i < units - 1 else b"") for i in range(units))
    return data[:scan] + segment(0xDD, b"\0\1") + data[scan:scan + 14] + entropy + b"\xff\xd9"


base, progressive, cmyk = jpeg(), jpeg(progressive=True), jpeg(image.convert("CMYK"))
plain, cmyk_plain = without(base, 0xE0), without(cmyk, 0xEE)
for sampling in ("4:4:4", "4:2:2", "4:2:0"):
    put(f"{sampling.replace(':', '')}.jpg", jpeg(subsampling=sampling))
    put(f"{sampling.replace(':', '')}-progressive.jpg", jpeg(subsampling=sampling, progressive=True))
put("grey.jpg", jpeg(grey))
put("cmyk.jpg", cmyk)
put("cmyk-without-adobe.jpg", cmyk_plain)
put("ycck.jpg", behind(cmyk_plain, adobe(2)))
put("ycck-unknown-transform.jpg", behind(cmyk_plain, adobe(1)))
put("without-jfif.jpg", plain)
put("rgb-by-adobe.jpg", behind(plain, adobe(0)))
put("ycbcr-by-jfif-and-adobe.jpg", before(base, 0xDB, adobe(0)))
put("ycbcr-by-adobe.jpg", behind(plain, adobe(1)))
put("rgb-by-names.jpg", named(plain, b"RGB"))
put("ycbcr-by-jfif-and-names.jpg", named(base, b"RGB"))
put("names-from-0.jpg", named(plain, b"\0\1\2"))

put("restarts.jpg", restarted())
put("restarts-420.jpg", restarted("4:2:0"))
put("junk-before-marker.jpg", before(base, 0xDB, b"abc"))
put("junk-with-stuffing.jpg", before(base, 0xDB, b"a\xff\0bc"))
put("junk-before-scan.jpg", before(base, 0xDA, b"abcde"))
put("junk-before-end.jpg", base[:-2] + b"\0\0" + base[-2:])
put("fill-bytes.jpg", before(base, 0xDB, b"\xff" * 9))
put("fill-bytes-before-end.jpg", base[:-2] + b"\xff\xff" + base[-2:])
put("trailing-data.jpg", base + b"hello" * 10)
put("motion-photo.jpg", base + b"\0\0\0\x18ftypmp42" + bytes(50))
put("second-picture.jpg", base + jpeg(grey))
put("profile.jpg", jpeg(icc_profile=bytes(3000)))
put("comment.jpg", jpeg(comment=b"a comment"))

# Pillow waits for the end; djpeg reads these, and all of their data are there.
put("without-end.jpg", base[:-2], seen(base))
put("with-half-an-end.jpg", base[:-1], seen(base))
put("progressive-without-end.jpg", progressive[:-2], seen(progressive))
refuse("cut-in-its-data.jpg", base[:-2 - (len(base) - base.index(b"\xff\xda")) // 2], "is cut off")
refuse("progressive-cut-in-its-data.jpg", progressive[:-12], "is cut off")
scans = [at for at in range(len(progressive)) if progressive[at:at + 2] == b"\xff\xda"]
refuse("progressive-cut-between-scans.jpg", progressive[:scans[3]], "is cut off")
refuse("progressive-lacks-scans.jpg", progressive[:scans[3]] + b"\xff\xd9", "ends before all of its scans")
frame = base.index(b"\xff\xc0")
refuse("12-bit.jpg", changed(base, frame + 4, 12), "it has 12 bits a sample")
refuse("arithmetic.jpg", changed(base, frame + 1, 0xC9), "this one is arithmetic-coded")
refuse("lossless.jpg", changed(base, frame + 1, 0xC3), "this one is lossless")
refuse("hierarchical.jpg", changed(base, frame + 1, 0xC5), "this one is hierarchical")


# ---- EXIF

def tiff(orientation, order="<", kind=3, count=1, others=(), magic=42, at=8):
    entries = [*others, (0x112, kind, count, orientation)]
    data = (b"II" if order == "<" else b"MM") + struct.pack(order + "HI", magic, at) + bytes(at - 8) + struct.pack(order + "H", len(entries))
    for tag, kind, count, value in entries:
        packed = struct.pack(order + "HH", value, 0) if kind in (3, 8) else struct.pack(order + "I", value) if kind in (4, 9) else bytes([value, 0, 0, 0])
        data += struct.pack(order + "HHI", tag, kind, count) + packed
    return data + struct.pack(order + "I", 0)


def exif(content, data=base):
    return behind(data, segment(0xE1, b"Exif\0\0" + content))


for orientation in range(10):
    put(f"exif-{orientation}.jpg", exif(tiff(orientation, "<>"[orientation % 2])))
put("exif-6-big-endian.jpg", exif(tiff(6, ">")))
put("exif-long.jpg", exif(tiff(6, kind=4)))
put("exif-signed.jpg", exif(tiff(6, ">", kind=8)))
put("exif-byte.jpg", exif(tiff(6, kind=1)))
put("exif-two-values.jpg", exif(tiff(6, count=2)))
put("exif-no-value.jpg", exif(tiff(6, count=0)))
put("exif-value-elsewhere.jpg", exif(tiff(6, count=3)))
put("exif-later-directory.jpg", exif(tiff(6, at=20)))
put("exif-swapped-magic.jpg", exif(tiff(6, magic=42 * 256)))
put("exif-after-jfif.jpg", before(base, 0xDB, segment(0xE1, b"Exif\0\0" + tiff(8))))
put("exif-after-xmp.jpg", behind(base, segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0<x/>") + segment(0xE1, b"Exif\0\0" + tiff(8))))
put("exif-before-scan.jpg", before(base, 0xDA, segment(0xE1, b"Exif\0\0" + tiff(7))))
put("exif-twice.jpg", behind(base, segment(0xE1, b"Exif\0\0" + tiff(8)) + segment(0xE1, b"Exif\0\0" + tiff(3))))
put("exif-cut.jpg", exif(tiff(6)[:-6]))
put("exif-among-others.jpg", exif(tiff(6, others=[(0x100 + i, 3, 1, i) for i in range(12)])))
put("exif-empty.jpg", exif(b""))
put("exif-garbage.jpg", exif(b"garbage that is no TIFF file"))
put("exif-points-outside.jpg", exif(tiff(6)[:4] + b"\xff\xff\xff\xff" + tiff(6)[8:]))
put("exif-thumbnail.jpg", exif(tiff(6)[:-4] + struct.pack("<I", 26) + tiff(3)[8:]))
put("exif-progressive.jpg", exif(tiff(5), progressive))
put("exif-cmyk.jpg", exif(tiff(6), cmyk_plain))


# ---- PNG

def png(source, **options):
    buffer = io.BytesIO()
    source.save(buffer, "PNG", **options)
    return buffer.getvalue()


def chunk(kind, data, wrong=0):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data) ^ wrong)


def raw_png(depth=8, color=2, first=b"", then=b"", data=None, end=True, interlaced=0, columns=None):
    columns = columns or width
    samples = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[color]
    if data is None:
        if (depth, color) == (8, 2):
            data = b"".join(b"\0" + row.tobytes() for row in picture)
        else:
            data = b"".join(b"\0" + rng.integers(0, 256, (columns * samples * depth + 7) // 8, dtype=np.uint8).tobytes() for _ in range(height))
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", columns, height, depth, color, 0, 0, interlaced))
    return b"\x89PNG\r\n\x1a\n" + header + first + chunk(b"IDAT", zlib.compress(data)) + then + (chunk(b"IEND", b"") if end else b"")


def adam7(*planes):
    data = b""
    for x0, y0, dx, dy in [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]:
        part = np.dstack(planes)[y0::dy, x0::dx]
        if part.size:
            data += b"".join(b"\0" + row.tobytes() for row in part)
    return data


def palette(depth):
    return chunk(b"PLTE", rng.integers(0, 256, 3 << depth, dtype=np.uint8).tobytes())


put("rgb.png", png(image))
put("alpha.png", png(Image.fromarray(np.dstack([picture, alpha]))))
put("grey-alpha.png", png(Image.fromarray(np.dstack([picture[:, :, 0], alpha]), "LA")))
put("shape-in-alpha.png", png(Image.fromarray(np.dstack([np.zeros_like(picture), (alpha > 128) * np.uint8(255)]))))
put("half-red.png", png(Image.new("RGBA", (16, 16), (255, 0, 0, 128))))
put("red.png", png(Image.new("RGB", (16, 16), (255, 0, 0))))
put("alpha-interlaced.png", raw_png(8, 6, data=adam7(picture, alpha), interlaced=1))
for depth in (1, 2, 4, 8):
    put(f"grey-{depth}.png", raw_png(depth, 0))
    put(f"palette-{depth}.png", raw_png(depth, 3, palette(depth)))
    put(f"palette-{depth}-transparency.png", raw_png(depth, 3, palette(depth) + chunk(b"tRNS", bytes([0, 100]))))
put("grey-16.png", raw_png(16, 0))
put("rgb-16.png", raw_png(16, 2))
put("grey-alpha-16.png", raw_png(16, 4))
put("alpha-16.png", raw_png(16, 6))
put("rgb-key.png", raw_png(first=chunk(b"tRNS", struct.pack(">HHH", *(int(value) for value in picture[3, 4])))))
put("grey-key.png", png(grey, transparency=int(picture[3, 4, 0])))
put("grey-1-key.png", raw_png(1, 0, chunk(b"tRNS", b"\0\1")))
put("alpha-and-key.png", raw_png(8, 6, chunk(b"tRNS", b"\0\1")))

# Pillow compares keys of 2 and 4 bits with values that it has spread to 8 already, and sees none: the white of the picture is the key here, by hand.
levels = np.arange(height * width).reshape(height, width) % 4
rows = b"".join(b"\0" + np.packbits(np.unpackbits(row.astype(np.uint8)[:, None], axis=1)[:, 6:].ravel()).tobytes() for row in levels)
put("grey-2-key.png", raw_png(2, 0, chunk(b"tRNS", b"\0\1"), data=rows), np.array([0, 255, 170, 255], np.uint8)[levels][:, :, None].repeat(3, 2))

# Numbers beyond the palette: Pillow makes them the grey of their number; black here, as in browsers, whether or not the palette has alpha.
colors = np.array([[200, 10, 20], [30, 240, 50], [0, 0, 0], [0, 0, 0]], np.uint8)
put("short-palette.png", raw_png(2, 3, chunk(b"PLTE", colors[:2].tobytes()), data=rows), colors[levels])
put("short-palette-transparency.png", raw_png(2, 3, chunk(b"PLTE", colors[:2].tobytes()) + chunk(b"tRNS", b"\xff"), data=rows), colors[levels])

for orientation in (1, 3, 6, 9):
    put(f"exif-{orientation}.png", raw_png(first=chunk(b"eXIf", tiff(orientation))))
put("exif-alpha.png", raw_png(8, 6, chunk(b"eXIf", tiff(8, ">"))))
put("exif-behind-the-data.png", raw_png(then=chunk(b"eXIf", tiff(5))))
put("exif-garbage-checksum.png", raw_png(then=chunk(b"eXIf", tiff(5), wrong=1)), picture)
put("gamma-and-profile.png", raw_png(first=chunk(b"gAMA", struct.pack(">I", 100000)) + chunk(b"iCCP", b"x\0\0" + zlib.compress(bytes(200)))))
put("without-end.png", raw_png(end=False))
put("trailing-data.png", raw_png() + b"hello" * 10)
put("wrong-checksum-that-is-not-needed.png", raw_png(then=chunk(b"tEXt", b"a\0b", wrong=1)))
put("palette-that-is-not-needed.png", raw_png(first=chunk(b"PLTE", b"abcdef")))
packed = zlib.compress(b"".join(b"\0" + row.tobytes() for row in picture))
pieces = b"".join(chunk(b"IDAT", packed[at:at + 50]) for at in range(0, len(packed), 50))
put("many-pieces.png", raw_png().split(b"IDAT")[0][:-4] + pieces + chunk(b"IEND", b""))
control = chunk(b"fcTL", struct.pack(">IIIIIHHBB", 0, width, height, 0, 0, 1, 1, 0, 0))
second = chunk(b"fcTL", struct.pack(">IIIIIHHBB", 1, width, height, 0, 0, 1, 1, 0, 0)) + chunk(b"fdAT", struct.pack(">I", 2) + packed[::-1])
put("animated.png", raw_png(first=chunk(b"acTL", struct.pack(">II", 2, 0)) + control, then=second))
put("png-by-content.jpg", raw_png())
put("jpeg-by-content.png", base)
refuse("cut-in-its-data.png", raw_png()[:-40], "has a chunk that claims")
refuse("wrong-checksum-of-its-data.png", raw_png().replace(chunk(b"IDAT", packed), chunk(b"IDAT", packed, wrong=1)), "has a chunk 'IDAT' whose checksum")
refuse("wrong-checksum-of-its-palette.png", raw_png(8, 3, palette(8)[:-4] + b"\0\0\0\0"), "has a chunk 'PLTE' whose checksum")
refuse("without-palette.png", raw_png(8, 3), "has no palette")
refuse("65535-wide.png", raw_png(1, 0, columns=65535), "claims 65535×")

# ---- others
for kind in ("GIF", "BMP", "TIFF", "WEBP", "ICO", "PPM"):
    buffer = io.BytesIO()
    image.save(buffer, kind)
    name = {"WEBP": "WebP", "ICO": "an icon", "PPM": "Netpbm"}.get(kind, kind)
    refuse(f"{kind.lower()}.png", buffer.getvalue(), f"is {name}, neither a PNG nor a JPEG file")
refuse("avif.jpg", b"\0\0\0\x1cftypavif\0\0\0\0mif1avif", "is AVIF, neither")
refuse("heic.jpg", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "is HEIC, neither")
refuse("empty.jpg", b"", "is empty, neither")

#!/usr/bin/env python3
"""Writes small files in the formats of the published data sets, and what is in them, with NumPy, SciPy, Pillow, tarfile and zipfile.

Debian: apt install python3-scipy python3-pil; then /usr/bin/python3 generate.py in this folder. The files are checked in: no test needs Python.

For every image file or set NAME there is NAME.expected, the pixels as bytes in the order that the reader must give them.
"""
import gzip
import io
import os
import struct
import tarfile
import zipfile
import zlib

import numpy as np
import scipy.io
from PIL import Image, ImageEnhance, ImageOps

here = os.path.dirname(os.path.abspath(__file__))
rng = np.random.default_rng(20_02_12_046)


def at(name):
    path = os.path.join(here, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    return path


def write(name, data):
    with open(at(name), "wb") as file:
        file.write(data)


def smooth(height, width, channels=3):
    """A picture that compresses: waves of random direction and phase in each channel."""
    y, x = np.mgrid[0:height, 0:width]
    planes = []
    for _ in range(channels):
        a, b = rng.uniform(-8, 8, 2)
        planes.append(127.5 + 127 * np.sin(2 * np.pi * (a * x / width + b * y / height) + rng.uniform(0, 6)))
    return np.stack(planes, -1).astype(np.uint8)


def blocks(height, width):
    """A picture that compresses without loss: 8×8 squares of one colour."""
    small = rng.integers(0, 256, ((height + 7) // 8, (width + 7) // 8, 3), dtype=np.uint8)
    return small.repeat(8, 0).repeat(8, 1)[:height, :width]


def tar_gz(name, folder, files, fmt=tarfile.USTAR_FORMAT):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=fmt) as tar:
        entry = tarfile.TarInfo(folder)
        entry.type, entry.mode = tarfile.DIRTYPE, 0o755
        tar.addfile(entry)
        for path, data in files:
            entry = tarfile.TarInfo(f"{folder}/{path}")
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    write(name, gzip.compress(buffer.getvalue(), 9, mtime=0))


def cifar():
    names10 = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]

    def records(count, label_bytes):
        images = [blocks(32, 32) for _ in range(count)]
        labels = [bytes(rng.integers(0, 10 if label_bytes == 1 else 20, 1, dtype=np.uint8)) + (b"" if label_bytes == 1 else bytes(rng.integers(0, 100, 1, dtype=np.uint8))) for _ in images]
        planes = [image.transpose(2, 0, 1).tobytes() for image in images]
        return b"".join(label + plane for label, plane in zip(labels, planes)), bytes(label[-1] for label in labels) + b"".join(planes)

    batches = {f"data_batch_{i}.bin": records(3, 1) for i in range(1, 6)}
    batches["test_batch.bin"] = records(4, 1)
    # The published archive has its files in no order.
    order = ["batches.meta.txt", "data_batch_1.bin", "data_batch_3.bin", "test_batch.bin", "readme.html", "data_batch_5.bin", "data_batch_4.bin", "data_batch_2.bin"]
    others = {"batches.meta.txt": ("\n".join(names10) + "\n\n").encode(), "readme.html": b"<html></html>"}
    tar_gz("cifar-10/cifar-10-binary.tar.gz", "cifar-10-batches-bin", [(name, others.get(name) or batches[name][0]) for name in order])
    write("cifar-10/expected", b"".join(batches[name][1] for name in [*(f"data_batch_{i}.bin" for i in range(1, 6)), "test_batch.bin"]))

    train, test = records(7, 2), records(3, 2)
    fine = "\n".join(f"fine {i:02}" for i in range(100)) + "\n"
    coarse = "\n".join(f"coarse {i:02}" for i in range(20)) + "\n"
    files = [("train.bin", train[0]), ("test.bin", test[0]), ("fine_label_names.txt", fine.encode()), ("coarse_label_names.txt", coarse.encode())]
    tar_gz("cifar-100/cifar-100-binary.tar.gz", "cifar-100-binary", files, tarfile.PAX_FORMAT)
    write("cifar-100/expected", train[1] + test[1])


def without_time(name):
    """savemat writes the time into the header's text."""
    with open(at(f"svhn/{name}"), "r+b") as file:
        file.write(b"MATLAB 5.0 MAT-file".ljust(116))


def svhn():
    def mat(name, count, compress, label_type):
        images = np.stack([blocks(32, 32) for _ in range(count)], -1)
        labels = rng.integers(1, 11, (count, 1)).astype(label_type)
        labels[0] = 10
        scipy.io.savemat(at(f"svhn/{name}"), {"X": images, "y": labels}, do_compression=compress)
        without_time(name)
        return bytes((labels[:, 0] % 10).astype(np.uint8)), images.transpose(3, 2, 0, 1).tobytes()

    train = mat("train_32x32.mat", 6, True, np.uint8)
    extra = mat("extra_32x32.mat", 3, False, np.float64)
    test = mat("test_32x32.mat", 4, True, np.int32)
    for name, data in (("train", train), ("extra", extra), ("test", test)):
        write(f"svhn/{name}.expected", data[0] + data[1])
    scipy.io.savemat(at("svhn/others.mat"), {
        "complex": np.array([[1 + 2j]]), "text": "a char array", "cells": np.array([[1, "two"]], dtype=object), "struct": {"field": 3.0}, "logical": np.array([[True]]),
        "X": np.zeros((32, 32, 3, 2), np.uint8), "y": np.array([[1.0], [2.0]])}, do_compression=True)
    without_time("others.mat")
    scipy.io.savemat(at("svhn/version4.mat"), {"y": np.array([[1.0]])}, format="4")


def encode(image, kind, **options):
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, kind, **options)
    return buffer.getvalue()


def decoded(data):
    return np.array(Image.open(io.BytesIO(data)).convert("RGB"))


def tiny_imagenet():
    wnids = ["n02124075", "n01443537", "n07920052"]
    words = "n01443537\tgoldfish, Carassius auratus\nn02124075\tEgyptian cat\nn07920052\tespresso\nn00000001\tnot in the set\n"
    root = "tiny-imagenet-200"
    entries, expected, test = [(f"{root}/wnids.txt", "\n".join(wnids).encode()), (f"{root}/words.txt", words.encode())], {}, {}
    for wnid in wnids:
        boxes = ""
        for i in range(4):
            # The published set has grey files among the colour ones.
            image = smooth(64, 64, 1)[:, :, 0] if (wnid, i) == ("n01443537", 2) else smooth(64, 64)
            name = f"{root}/train/{wnid}/images/{wnid}_{i}.JPEG"
            entries.append((name, encode(image, "JPEG", quality=60)))
            expected[name] = (sorted(wnids).index(wnid), entries[-1][1])
            boxes += f"{wnid}_{i}.JPEG\t0\t10\t63\t58\n"
        entries.append((f"{root}/train/{wnid}/{wnid}_boxes.txt", boxes.encode()))
    annotations = ""
    for i in range(5):
        wnid, name = wnids[i % 3], f"{root}/val/images/val_{i}.JPEG"
        entries.append((name, encode(smooth(64, 64), "JPEG", quality=60)))
        test[name] = (sorted(wnids).index(wnid), entries[-1][1])
        annotations += f"val_{i}.JPEG\t{wnid}\t0\t32\t44\t62\n"
    entries.append((f"{root}/val/val_annotations.txt", annotations.encode()))
    entries.append((f"{root}/test/images/test_0.JPEG", encode(smooth(64, 64), "JPEG", quality=60)))
    with zipfile.ZipFile(at("tiny-imagenet/tiny-imagenet-200.zip"), "w", zipfile.ZIP_DEFLATED) as zip:
        for name, data in [(f"{root}/", b""), *entries]:
            zip.writestr(zipfile.ZipInfo(name, (2015, 1, 1, 0, 0, 0)), data, zipfile.ZIP_DEFLATED if data else zipfile.ZIP_STORED)
    both = [*sorted(expected.items()), *sorted(test.items())]
    write("tiny-imagenet/expected", bytes(label for _, (label, _) in both) + b"".join(decoded(data).transpose(2, 0, 1).tobytes() for _, (_, data) in both))


def images():
    picture, grey = smooth(20, 28), smooth(20, 28, 1)[:, :, 0]
    palette = Image.fromarray(blocks(20, 28)).quantize(16)
    alpha = np.dstack([picture, smooth(20, 28, 1)])
    deep = (np.arange(20 * 28).reshape(20, 28) * 117 % 65536).astype(np.uint16)

    def save(name, image, **options):
        image = image if isinstance(image, Image.Image) else Image.fromarray(image)
        buffer = io.BytesIO()
        image.save(buffer, name.rsplit(".")[-1].replace("jpg", "jpeg").upper(), **options)
        write(f"images/{name}", buffer.getvalue())
        return buffer.getvalue()

    files = {
        "rgb.png": save("rgb.png", picture),
        "grey.png": save("grey.png", grey),
        "palette.png": save("palette.png", palette, bits=4),
        "alpha.png": save("alpha.png", alpha),
        "bits.png": save("bits.png", Image.fromarray(grey > 128)),
        "baseline.jpg": save("baseline.jpg", picture, quality=90, subsampling="4:4:4"),
        "progressive.jpg": save("progressive.jpg", picture, quality=90, progressive=True),
        "subsampled.jpg": save("subsampled.jpg", picture, quality=90, subsampling="4:2:0"),
        "grey.jpg": save("grey.jpg", grey, quality=90),
    }
    expected = {name: decoded(data) for name, data in files.items()}
    # Alpha is dropped, not blended.
    expected["alpha.png"] = picture
    save("deep.png", Image.fromarray(deep))
    expected["deep.png"] = (deep >> 8).astype(np.uint8)[:, :, None].repeat(3, 2)
    write("images/interlaced.png", interlaced(picture))
    expected["interlaced.png"] = decoded(interlaced(picture))
    assert (expected["interlaced.png"] == picture).all()
    for name, pixels in expected.items():
        write(f"images/{name}.expected", pixels.tobytes())

    # Scaled: the middle square of 45×33, to smaller and to larger.
    large = smooth(33, 45)
    save("scale.png", large)
    square = Image.fromarray(large).crop((6, 0, 39, 33))
    for side in (8, 13, 33, 40):
        write(f"images/scale.png.{side}", np.array(square.resize((side, side), Image.BILINEAR)).transpose(2, 0, 1).tobytes())


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def interlaced(picture):
    """Adam7, which Pillow reads but does not write."""
    height, width, _ = picture.shape
    data = b""
    for x0, y0, dx, dy in [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]:
        part = picture[y0::dy, x0::dx]
        if part.size:
            data += b"".join(b"\0" + row.tobytes() for row in part)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 1)) + chunk(b"IDAT", zlib.compress(data, 9)) + chunk(b"IEND", b"")


def folder():
    """Three classes with files of both kinds at several depths."""
    for name, count in (("cat", 6), ("dog", 5), ("eel", 4)):
        for i in range(count):
            image = blocks(24 + 4 * i, 32)
            kind, extension = ("PNG", "png") if i % 2 else ("JPEG", "JPG")
            write(f"folder/{name}/{'deeper/' if i == 3 else ''}{i}.{extension}", encode(image, kind))
    write("folder/README.txt", b"no image")
    write("folder/cat/notes.txt", b"no image")


def color_operations():
    """Pillow's versions of what a random policy does to colours."""
    picture = (smooth(24, 26).astype(int) * 3 // 4 + 20).astype(np.uint8)
    write("operations/picture", picture.transpose(2, 0, 1).tobytes())
    image = Image.fromarray(picture)
    results = {
        "autocontrast": ImageOps.autocontrast(image), "equalize": ImageOps.equalize(image), "posterize": ImageOps.posterize(image, 3),
        "solarize": ImageOps.solarize(image, 100), "brightness": ImageEnhance.Brightness(image).enhance(1.4),
        "contrast": ImageEnhance.Contrast(image).enhance(0.6), "saturation": ImageEnhance.Color(image).enhance(1.7),
        "sharpness": ImageEnhance.Sharpness(image).enhance(1.8),
        "rotate": image.rotate(20, Image.BILINEAR),
        "shear": image.transform(image.size, Image.AFFINE, (1, 0.3, -0.3 * 12, 0, 1, 0), Image.BILINEAR),
    }
    for name, result in results.items():
        write(f"operations/{name}", np.array(result).transpose(2, 0, 1).tobytes())


cifar()
svhn()
tiny_imagenet()
images()
folder()
color_operations()

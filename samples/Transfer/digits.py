"""python3 digits.py OUT [DIGITS]: what the transfer sample starts from.

OUT/pictures/0 to 9: a hundred digits each, cut out of OpenCV's samples/data/digits.png: the file DIGITS, or where Debian's opencv-doc has it.
OUT/mobilenet_v3_small.safetensors: torchvision's network under torchvision's names. Its weights are random; download the published ones where you can.
"""

import json
import sys
from pathlib import Path

import torch
from PIL import Image
from torchvision import models

DEBIAN = "/usr/share/doc/opencv-doc/examples/data/digits.png"

if len(sys.argv) not in (2, 3):
    sys.exit(__doc__)
out = Path(sys.argv[1])
digits = Path(sys.argv[2] if len(sys.argv) == 3 else DEBIAN)
if not digits.is_file():
    sys.exit(f"{digits} is not there: install opencv-doc, or name a copy of samples/data/digits.png of OpenCV's repository")
sheet = Image.open(digits)
for digit in range(10):
    folder = out / "pictures" / str(digit)
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(100):
        left, top = 20 * i, 20 * 5 * digit
        sheet.crop((left, top, left + 20, top + 20)).convert("RGB").save(folder / f"{i:02}.png")

torch.manual_seed(1)
state = models.mobilenet_v3_small().state_dict()
header, values = {}, b""
for name, tensor in state.items():
    data = tensor.contiguous().numpy().tobytes()
    kind = {torch.float32: "F32", torch.int64: "I64"}[tensor.dtype]
    header[name] = {"dtype": kind, "shape": list(tensor.shape), "data_offsets": [len(values), len(values) + len(data)]}
    values += data
text = json.dumps(header).encode()
text += b" " * (-len(text) % 8)
(out / "mobilenet_v3_small.safetensors").write_bytes(len(text).to_bytes(8, "little") + text + values)

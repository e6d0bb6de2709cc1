"""Writes foreign.safetensors: a file in the format of https://huggingface.co/docs/safetensors that XSepConv did not write.

Only the standard library is used. On purpose the header's keys are in another order than the data, white space is scattered
about, non-ASCII text is escaped, and the header is not padded, so that tensors begin at odd offsets.
"""
import json
import pathlib
import struct

TENSORS = [  # name, dtype, shape, struct code, values: in the order of the data
    ("flags", "BOOL", [3], "B", [1, 0, 1]),
    ("conv.weight", "F32", [2, 1, 1, 3], "f", [0.5, -1.25, 3.0, 1e-3, -65504.0, 0.0]),
    ("empty", "F16", [4, 0], "e", []),
    ("half", "F16", [3], "e", [1.5, -0.000060975552, 65504.0]),
    ("double", "F64", [2], "d", [1 / 3, -1e300]),
    ("num_batches_tracked", "I64", [], "q", [-9007199254740993]),
    ("ints", "I32", [2, 2], "i", [-2147483648, -1, 0, 2147483647]),
    ("bytes", "U8", [1, 2], "B", [0, 255]),
    ("brain", "BF16", [2], "H", [0x3FC0, 0xC2F7]),  # 1.5 and -123.5
]

entries, data = {}, b""
for name, dtype, shape, code, values in TENSORS:
    raw = struct.pack("<" + code * len(values), *values)
    entries[name] = {"data_offsets": [len(data), len(data) + len(raw)], "shape": shape, "dtype": dtype}
    data += raw

header = {name: entries[name] for name in sorted(entries)}
header["__metadata__"] = {"format": "pt", "by": "généré 🙂"}
text = json.dumps(header, indent=1).encode("ascii") + b"   "
assert len(text) % 8 != 0
pathlib.Path(__file__).with_name("foreign.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + data)

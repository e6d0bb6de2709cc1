"""guest.py NATIVE CHECKPOINT PICTURE: the library as a guest in a process of Python: what it refuses, and what it survives."""
import ctypes
import gc
import itertools
import json
import multiprocessing
import os
import resource
import struct
import subprocess
import sys
import tempfile
import threading
from array import array

native, checkpoint, picture = sys.argv[1:4]
classify = os.path.join(os.path.dirname(os.path.abspath(native)), "classify")
sys.path.insert(0, native)
import xsepconv  # noqa: E402

checks = 0


def require(holds, what):
    global checks
    checks += 1
    if not holds:
        sys.exit(f"It does not hold: {what}")


def refused(code, text, function, *arguments, **named):
    """The call is an XSepConvError with the code, or another exception of Python, and says the text."""
    try:
        result = function(*arguments, **named)
    except Exception as error:
        kind = error.code if isinstance(error, xsepconv.XSepConvError) else type(error)
        require(kind == code and text in str(error), f"{error!r} is {code} and says {text!r}")
    else:
        require(False, f"{function.__name__} is refused because of {text!r}, not {result}")


def test_refusals():
    refused(xsepconv.UNREADABLE, "missing", xsepconv.Network, "missing")
    refused(xsepconv.INVALID_DATA, "directory", xsepconv.Network, native)
    refused(xsepconv.INVALID_DATA, "picture", xsepconv.Network, picture)
    refused(xsepconv.INVALID_DATA, "The file in memory", xsepconv.Network, b"12345678")
    refused(xsepconv.INVALID_ARGUMENT, "size is 0", xsepconv.Network, b"")
    refused(TypeError, "", xsepconv.Network, None)
    refused(ValueError, "zero character", xsepconv.Network, checkpoint + "\0")
    refused(OverflowError, "32 bits", xsepconv.Network, checkpoint, max_batch=2**32 + 1)
    refused(OverflowError, "32 bits", xsepconv.Network, checkpoint, size=(2**32 + 32, 32))
    refused(TypeError, "", xsepconv.Network, checkpoint, threads=1.5)
    refused(xsepconv.INVALID_ARGUMENT, "max_batch is 0", xsepconv.Network, checkpoint, max_batch=0)
    refused(xsepconv.INVALID_ARGUMENT, "threads is -1", xsepconv.Network, checkpoint, threads=-1)

    network = xsepconv.Network(checkpoint, max_batch=2)
    channels, height, width = network.input_shape
    length = channels * height * width
    refused(xsepconv.INVALID_ARGUMENT, "nchw_count is 0", network.run, array("f"))
    refused(xsepconv.INVALID_ARGUMENT, "nchw_count is 1", network.run, array("f", [0]))
    refused(xsepconv.INVALID_ARGUMENT, "nchw_count is", network.run, array("f", bytes(12 * length)))
    refused(TypeError, "'d'", network.run, array("d", bytes(8 * length)))
    refused(TypeError, "'B'", network.run, bytes(4 * length))
    refused(TypeError, "'f'", network.run_bytes, array("f", bytes(4 * length)))
    refused(TypeError, "contiguous", network.run_bytes, memoryview(bytes(2 * length))[::2])
    refused(xsepconv.NOT_FINITE, "its value 3 ", network.run, array("f", [0, 0, 0, float("nan")] + [0] * (length - 4)))
    refused(xsepconv.INVALID_ARGUMENT, "top_count is 0", network.classify, picture, top=0)
    refused(xsepconv.INVALID_DATA, "neither a PNG nor a JPEG", network.classify, checkpoint)
    refused(xsepconv.INVALID_DATA, "The file in memory", network.classify, b"\xFF\xD8\xFFnothing")
    refused(xsepconv.INVALID_ARGUMENT, "class_index is -1", network.class_name, -1)
    refused(OverflowError, "32 bits", network.class_name, 2**32)
    same = network.run_bytes(bytes(length)) == network.run_bytes(bytearray(length)) == network.run_bytes(memoryview(bytes(length)))
    require(same, "memory that is read-only gives the same logits as other memory")
    network.close()
    network.close()
    refused(xsepconv.INVALID_HANDLE, "session was freed already", network.classify, picture)
    refused(xsepconv.INVALID_HANDLE, "session was freed already", network.run, array("f", bytes(4 * length)))
    refused(xsepconv.INVALID_HANDLE, "model was freed already", network.class_name, 0)


def test_shapes():
    """An array that says its shape is held to it: of the same bytes in another order only the one without a shape would be taken."""
    with xsepconv.Network(checkpoint, max_batch=6, size=(4, 5)) as network:
        channels, height, width = network.input_shape
        for run, kind, right in ((network.run, "f", (6, channels, height, width)), (network.run_bytes, "B", (6, height, width, channels))):
            flat = memoryview(bytearray((4 if kind == "f" else 1) * 6 * channels * height * width)).cast(kind)
            expected = run(flat)
            for order in itertools.permutations(range(4)):
                shape = tuple(right[i] for i in order)
                shaped = flat.cast("B").cast(kind, shape)
                if shape == right:
                    require(run(shaped) == expected, f"{run.__name__} takes {shape}")
                else:
                    refused(ValueError, f"has shape {shape}", run, shaped)
            for shape in (6, channels * height * width), (6 * channels * height, width), (6 * right[1], *right[2:]), (1, *right):
                refused(ValueError, "in place of [N, " + ", ".join(map(str, right[1:])) + "]", run, flat.cast("B").cast(kind, shape))
            one = flat[:channels * height * width].cast("B").cast(kind, right[1:])
            require(len(run(one)) == network.num_outputs, f"{run.__name__} takes one image without N")


def without_classifier():
    """The checkpoint without its last layer."""
    with open(checkpoint, "rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
        data = file.read()
    metadata = header.pop("__metadata__")
    for key, change in ("xsepconv.network", {"numClasses": 0}), ("xsepconv.data", {"classes": []}):
        metadata[key] = json.dumps({**json.loads(metadata[key]), **change})
    kept, content = {"__metadata__": metadata}, b""
    for name, entry in sorted(header.items(), key=lambda tensor: tensor[1]["data_offsets"]):
        if not name.startswith(("linear4.", "training/")):
            begin, end = entry["data_offsets"]
            kept[name] = {**entry, "data_offsets": [len(content), len(content) + end - begin]}
            content += data[begin:end]
    text = json.dumps(kept).encode()
    return struct.pack("<Q", len(text)) + text + content


def test_network_without_classifier():
    """It gives features, and says so where classes are asked for."""
    file = without_classifier()
    with xsepconv.Network(file) as network:
        channels, height, width = network.input_shape
        length = channels * height * width
        require(network.num_classes == 0 and len(network.run(array("f", bytes(4 * length)))) == network.num_outputs, "it gives features")
        for top in 0, 1, 5:
            refused(xsepconv.UNSUPPORTED, "has no classifier: it gives features", network.classify, picture, top=top)
        for index in -1, 0, 1:
            refused(xsepconv.UNSUPPORTED, "has no classifier", network.class_name, index)
        if os.path.exists(classify):
            path = os.path.join(tempfile.mkdtemp(), "features.safetensors")
            with open(path, "wb") as target:
                target.write(file)
            for program in ([classify], [sys.executable, os.path.join(native, "xsepconv.py")]):
                result = subprocess.run([*program, path, picture], stderr=subprocess.PIPE, encoding="utf-8")
                require(result.returncode == 1 and "has no classifier" in result.stderr, f"{program} says so, not {result.stderr}")
            os.remove(path)


def test_threads():
    """One network in many threads: right results or BUSY."""
    with xsepconv.Network(checkpoint) as network:
        channels, height, width = network.input_shape
        pixels = bytes(channels * height * width)
        expected = network.run_bytes(pixels)
        others = []

        def work():
            for _ in range(100):
                try:
                    if network.run_bytes(pixels) != expected:
                        others.append("another result")
                except xsepconv.XSepConvError as error:
                    if error.code != xsepconv.BUSY:
                        others.append(error)

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        require(not others, f"threads get results or BUSY, not {others[:3]}")


def test_objects_that_are_forgotten():
    for _ in range(200):
        xsepconv.Network(checkpoint)
    gc.collect()
    require(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < 1 << 20, "200 networks that nobody closed take less than a gigabyte")


def _load_in_child(path, results):
    try:
        xsepconv.Network(path)
        results.put(None)
    except xsepconv.XSepConvError as error:
        results.put(error.code)


def test_multiprocessing():
    for method, code in ("fork", xsepconv.FORKED), ("spawn", None):
        context = multiprocessing.get_context(method)
        results = context.Queue()
        child = context.Process(target=_load_in_child, args=(checkpoint, results))
        child.start()
        require(results.get(timeout=60) == code, f"a child by {method} gets {code}")
        child.join(60)
        require(child.exitcode == 0, f"a child by {method} ends")


def in_other_process(code, **options):
    result = subprocess.run([sys.executable, "-c", code, native, checkpoint, picture], stderr=subprocess.PIPE, encoding="utf-8", **options)
    require(result.returncode == 0, f"it ends with 0, not {result.returncode}: {code}\n{result.stderr[-2000:]}")


def test_fork_after_a_look_at_the_version():
    in_other_process(f"""
import ctypes, os, sys
library = ctypes.CDLL(sys.argv[1] + "/libxsepconv.so")
library.xsepconv_version()
child = os.fork()
if child == 0:
    model = ctypes.c_void_p()
    os._exit(library.xsepconv_load(sys.argv[2].encode(), ctypes.byref(model)))
code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
assert code == {int(xsepconv.FORKED)}, code
""")


def test_unloading():
    """dlclose leaves the library, and it goes on."""
    in_other_process("""
import _ctypes, ctypes, os, sys, time
_ctypes.dlclose(ctypes.CDLL(sys.argv[1] + "/libxsepconv.so")._handle)
ctypes.CDLL(sys.argv[1] + "/libxsepconv.so", mode=os.RTLD_NOLOAD | os.RTLD_NOW)
for _ in range(3):
    library = ctypes.CDLL(sys.argv[1] + "/libxsepconv.so")
    model = ctypes.c_void_p()
    assert library.xsepconv_load(sys.argv[2].encode(), ctypes.byref(model)) == 0
    assert library.xsepconv_load(b"missing", ctypes.byref(model)) == 3
    _ctypes.dlclose(library._handle)
    time.sleep(0.1)
""")


def test_little_address_space():
    """In a process that may have 2 GB of addresses."""
    in_other_process("""
import sys
sys.path.insert(0, sys.argv[1])
import xsepconv
xsepconv.Network(sys.argv[2]).classify(sys.argv[3])
""", preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30)))


def test_another_kernel():
    """One that there is none of, and one that the library was compiled without: it has none of the instructions beyond AVX2."""
    for kernel, why in ("v31", "it is one of"), ("v512", "IlcInstructionSet"):
        in_other_process(f"""
import sys
sys.path.insert(0, sys.argv[1])
import xsepconv
try:
    xsepconv.Network(sys.argv[2])
except xsepconv.XSepConvError as error:
    assert error.code == xsepconv.UNSUPPORTED and "XSEPCONV_KERNEL" in str(error) and "{why}" in str(error), error
else:
    raise AssertionError("{kernel} is refused")
""", env={**os.environ, "XSEPCONV_KERNEL": kernel})


if __name__ == "__main__":
    test_refusals()
    test_shapes()
    test_network_without_classifier()
    test_threads()
    test_objects_that_are_forgotten()
    test_multiprocessing()
    test_fork_after_a_look_at_the_version()
    test_unloading()
    test_little_address_space()
    test_another_kernel()
    print(f"Python, XSepConv {xsepconv.version()}: {checks} checks passed")

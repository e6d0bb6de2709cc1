"""Networks that `xsepconv train` made, from Python by ctypes: no package is needed.

    python3 xsepconv.py network.safetensors photo.jpg

The library that `dotnet publish samples/Native -c Release` makes lies beside this file, or where XSEPCONV_LIBRARY says.
"""
import ctypes
import operator
import os
import sys
import weakref
from array import array
from ctypes import POINTER, byref, c_char_p, c_float, c_int32, c_size_t, c_uint8, c_void_p

OK, INVALID_ARGUMENT, INVALID_HANDLE, UNREADABLE, INVALID_DATA, UNSUPPORTED = range(6)
BUSY, NOT_FINITE, OUT_OF_MEMORY, FORKED, INTERNAL = range(6, 11)


class XSepConvError(Exception):
    """What the library refuses. `code` is one of the constants above, as in xsepconv.h."""

    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


class _Prediction(ctypes.Structure):
    _fields_ = [("class_index", c_int32), ("probability", c_float)]


def _open_library():
    name = {"win32": "libxsepconv.dll", "darwin": "libxsepconv.dylib"}.get(sys.platform, "libxsepconv.so")
    path = os.environ.get("XSEPCONV_LIBRARY") or os.path.join(os.path.dirname(os.path.abspath(__file__)), name)
    try:
        library = ctypes.CDLL(path)
    except OSError as error:
        raise OSError(f"{path} can't be loaded ({error}); `dotnet publish samples/Native -c Release -o artifacts/native` makes it, "
                      "with this file beside it") from None
    for function, arguments in {
        "load": [c_char_p, POINTER(c_void_p)],
        "load_memory": [c_void_p, c_size_t, POINTER(c_void_p)],
        "free": [c_void_p],
        "num_classes": [c_void_p, POINTER(c_int32)],
        "num_outputs": [c_void_p, POINTER(c_int32)],
        "class_name": [c_void_p, c_int32, c_char_p, c_size_t, POINTER(c_size_t)],
        "create_session": [c_void_p, c_int32, c_int32, c_int32, c_int32, POINTER(c_void_p)],
        "input_size": [c_void_p, POINTER(c_int32), POINTER(c_int32), POINTER(c_int32)],
        "run": [c_void_p, c_void_p, c_size_t, c_void_p, c_size_t],
        "run_bytes": [c_void_p, c_void_p, c_size_t, c_void_p, c_size_t],
        "classify": [c_void_p, c_void_p, c_size_t, POINTER(_Prediction), c_size_t],
        "decode_file": [c_void_p, c_char_p, c_void_p, c_size_t],
        "decode_memory": [c_void_p, c_void_p, c_size_t, c_void_p, c_size_t],
    }.items():
        bound = getattr(library, "xsepconv_" + function)
        bound.argtypes, bound.restype = arguments, c_int32
    for function in "version", "last_error":
        bound = getattr(library, "xsepconv_" + function)
        bound.argtypes, bound.restype = [], c_char_p
    return library


_library = _open_library()


def _call(function, *arguments):
    code = getattr(_library, "xsepconv_" + function)(*arguments)
    if code != OK:
        raise XSepConvError(code, _library.xsepconv_last_error().decode())


def version():
    """The version of XSepConv, such as "0.1.0"."""
    return _library.xsepconv_version().decode()


def _path(path):
    name = os.fsencode(path)
    if b"\0" in name:
        raise ValueError(f"{path!r} has a zero character, which no file's name has")
    return name


def _int32(value):
    """ctypes would cut a larger one off."""
    number = operator.index(value)
    if not -2**31 <= number < 2**31:
        raise OverflowError(f"{number} is no number of 32 bits")
    return number


def _memory(values, kind, image=None):
    """An array's memory for the library, read in place (a copy where it is read-only), and its length.

    One of several dimensions is held to the shape of an image: the same bytes in another order would be another picture.
    """
    view = memoryview(values)
    if view.format != kind or not view.c_contiguous:
        raise TypeError(f"the array's element type is {view.format!r}; give a contiguous one of {kind!r} ('f' is float32, 'B' uint8)")
    if image is not None and view.ndim > 1 and (view.shape[-3:] != image or view.ndim > 4):
        raise ValueError(f"the array has shape {view.shape} in place of [N, {', '.join(map(str, image))}]")
    size = view.nbytes
    return (bytes(view) if view.readonly or size == 0 else (c_uint8 * size).from_buffer(view)), size // view.itemsize


def _is_array(picture):
    """Whether it has the memory of more than a line of bytes, which may be a file's."""
    try:
        return memoryview(picture).ndim > 1
    except TypeError:
        return False


class Network:
    """A checkpoint, ready to run. One thread at a time uses it; a second one gets an XSepConvError with the code BUSY.

    `source` is a path, or the bytes of a .safetensors file. A run has at most `max_batch` images, and `threads` threads share it.
    `size` is (height, width) in pixels; None is that of the training data.
    """

    def __init__(self, source, max_batch=1, threads=1, size=None):
        model, session = c_void_p(), c_void_p()
        if isinstance(source, (bytes, bytearray, memoryview)):
            source = bytes(source)
            _call("load_memory", source, len(source), byref(model))
        else:
            _call("load", _path(source), byref(model))
        self._close_model = weakref.finalize(self, _library.xsepconv_free, model)
        height, width = size or (0, 0)
        _call("create_session", model, _int32(max_batch), _int32(threads), _int32(height), _int32(width), byref(session))
        self._close_session = weakref.finalize(self, _library.xsepconv_free, session)
        self._model, self._session = model, session
        channels, height, width, outputs, classes = (c_int32() for _ in range(5))
        _call("input_size", session, byref(channels), byref(height), byref(width))
        _call("num_outputs", model, byref(outputs))
        _call("num_classes", model, byref(classes))
        self.input_shape = (channels.value, height.value, width.value)
        self.num_outputs, self.num_classes = outputs.value, classes.value
        self._length = channels.value * height.value * width.value

    def class_name(self, index):
        """The name of a class; an XSepConvError with the code UNSUPPORTED if the checkpoint names none."""
        needed = c_size_t()
        _call("class_name", self._model, _int32(index), None, 0, byref(needed))
        name = ctypes.create_string_buffer(needed.value)
        _call("class_name", self._model, index, name, needed, None)
        return name.value.decode()

    def run(self, images):
        """The logits of N images, a float32 array [N, channels, height, width] normalised as for training: array('f') of N * num_outputs.

        Anything with the memory of such an array will do: a numpy array, array('f').
        """
        return self._run("run", *_memory(images, "f", self.input_shape))

    def run_bytes(self, pictures):
        """The same of N pictures, a uint8 array [N, height, width, channels] as decoders give them."""
        channels, height, width = self.input_shape
        return self._run("run_bytes", *_memory(pictures, "B", (height, width, channels)))

    def classify(self, picture, top=5):
        """The likeliest classes of a picture: [(name, probability), ...], likeliest first.

        It is a PNG or JPEG file, a path or its bytes; or an array, uint8 [height, width, channels] of the network's own size, red first
        (OpenCV has blue first: cv2.cvtColor), as numpy.asarray makes it of a PIL image.
        """
        channels, height, width = self.input_shape
        if not _is_array(picture):
            picture = self.decode(picture)
        elif memoryview(picture).ndim > 3:
            raise ValueError(f"the array has shape {memoryview(picture).shape}: classify takes one picture, run_bytes several")
        pixels, size = _memory(picture, "B", (height, width, channels))
        predictions = (_Prediction * min(top, self.num_classes))()
        _call("classify", self._session, pixels, size, predictions, len(predictions))
        return [(self.class_name(one.class_index), one.probability) for one in predictions]

    def decode(self, picture):
        """A PNG or JPEG file, a path or its bytes, as the network sees it: bytearray [height, width, channels]."""
        pixels = bytearray(self._length)
        target, size = _memory(pixels, "B")
        if isinstance(picture, (bytes, bytearray, memoryview)):
            picture = bytes(picture)
            _call("decode_memory", self._session, picture, len(picture), target, size)
        else:
            _call("decode_file", self._session, _path(picture), target, size)
        return pixels

    def close(self):
        """Frees the memory, as also happens with the object."""
        if self._close_session.alive:
            _call("free", self._session)
            self._close_session.detach()
            self._close_model()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _run(self, function, memory, count):
        logits = array("f", bytes(4 * self.num_outputs * max(1, count // self._length)))
        _call(function, self._session, memory, count, *_memory(logits, "f"))
        return logits


def main(arguments):
    if len(arguments) < 2:
        print("xsepconv.py MODEL PICTURE...", file=sys.stderr)
        return 2
    result = 0
    try:
        with Network(arguments[0]) as network:
            for picture in arguments[1:]:
                try:
                    top = network.classify(picture)
                except XSepConvError as error:
                    print(f"xsepconv.py: {error}", file=sys.stderr)
                    result = 1
                    continue
                print(picture)
                for name, probability in top:
                    print(f"  {100 * probability:6.2f} %  {name}")
    except XSepConvError as error:
        print(f"xsepconv.py: {error}", file=sys.stderr)
        result = 1
    return result


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

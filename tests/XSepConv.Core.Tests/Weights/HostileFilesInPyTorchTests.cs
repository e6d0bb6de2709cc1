using XSepConv.Core.Tests.Parity;

namespace XSepConv.Core.Tests.Weights;

/// <summary>Python's reader says ValueError of every file that is none, and nothing else; its writer of all that would be none.</summary>
public sealed class HostileFilesInPyTorchTests : IDisposable
{
    private const string Script = """
        import json, random, struct, sys
        sys.path.insert(0, sys.argv[1])
        import torch
        from xsepconv_torch import load_safetensors, save_safetensors
        path = sys.argv[2]
        save_safetensors({"a": torch.arange(6.0).reshape(2, 3), "b": torch.tensor([True, False])}, path, {"k": "v"})
        whole = open(path, "rb").read()
        length = struct.unpack("<Q", whole[:8])[0]
        header, data = whole[8:8 + length].decode(), whole[8 + length:]
        def load(text, data=data):
            text = text if isinstance(text, bytes) else text.encode()
            with open(path, "wb") as file:
                file.write(struct.pack("<Q", len(text)) + text + data)
            try:
                return load_safetensors(path)
            except ValueError:
                return None
        tensors, metadata = load(header)
        assert tensors["a"].tolist() == [[0, 1, 2], [3, 4, 5]] and tensors["b"].tolist() == [True, False] and metadata == {"k": "v"}
        taken = []
        def refuse(text, data=data):
            if load(text, data) is not None:
                taken.append(text)
        VALUES = ("null", "true", "1", "-1", "1.7", "0.5", "1e2", '"1"', '"F32"', '"X"', "[]", "{}", "[[]]", "[1]", "[null,null]", "[true,true]",
                  "[1.7]", "[2.0,3.0]", '["2","3"]', "[6]", "[-2,-3]", "[2,3,1,1]", "[0,24,48]", "[0,1e2]", "[24,0]", "[1,25]", "[0,%d]" % 2**80,
                  "[%d,%d]" % (2**62, 2**62), "[0,%d,%d]" % (2**62, 2**62), "[%s]" % ",".join(["1"] * 70), "NaN", "Infinity", "9" * 5000)
        right = {"dtype": ('"F32"',), "shape": ("[2,3]", "[6]", "[2,3,1,1]"), "data_offsets": ("[0,24]",)}
        entry = '"a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]}'
        assert entry in header, header
        def replaced(field, value):
            fields = {"dtype": '"F32"', "shape": "[2,3]", "data_offsets": "[0,24]", field: value}
            return header.replace(entry, '"a":{%s}' % ",".join(f'"{name}":{text}' for name, text in fields.items() if text))
        for field, allowed in right.items():
            refuse(replaced(field, ""))
            for value in VALUES:
                (load if value in allowed else refuse)(replaced(field, value))
        for value in VALUES:
            refuse(header.replace(entry, f'"a":{value}'))
            if value != "{}":
                refuse(header.replace('{"k":"v"}', value))
            if not value.startswith('"'):
                refuse(header.replace('"v"', value))
            refuse(value)
        refuse(header.replace(entry, entry + "," + entry))
        refuse(header.replace(entry, entry.replace('"dtype"', '"dtype":"F32","dtype"')))
        refuse(header.replace('"k":"v"', '"k":"v","k":"v"'))
        refuse("[" * 100_000)
        refuse(b"\xff" + header.encode())
        refuse(header, data[:-1])
        refuse(header, data + b"\0")
        refuse(header, data[:-1] + b"\7")
        refuse("")
        assert load(header.replace('"dtype":"F32"', '"later":{"x":[1]},"dtype":"F32"')) is not None
        draw = random.Random(5)
        for _ in range(1500):
            mutated = bytearray(header.encode())
            for _ in range(draw.randint(1, 3)):
                at = draw.randrange(len(mutated))
                kind = draw.randrange(3)
                if kind == 0:
                    mutated[at] = draw.randrange(256)
                elif kind == 1:
                    del mutated[at]
                else:
                    mutated[at:at] = draw.choice((b"0", b"-", b"[", b"]", b"{", b'"', b",", b".5", b"e9", b"null", b"\\u0000"))
            load(bytes(mutated))
        print(taken)
        """;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    // Of 4 GiB and more a C int keeps the low bits alone.
    [Fact]
    public async Task Tensors_are_written_piece_by_piece_whatever_their_size()
    {
        const string Pieces = """
            import ctypes, sys
            sys.path.insert(0, sys.argv[1])
            import torch
            import xsepconv_torch
            whole, sizes = ctypes.string_at, []
            ctypes.string_at = lambda address, size: sizes.append(size) or whole(address, size)
            assert xsepconv_torch._PIECE < 1 << 31
            xsepconv_torch._PIECE = 1000
            tensors = {f"{n}": torch.arange(n, dtype=torch.int64) for n in (0, 1, 124, 125, 126, 250, 1003)}
            tensors.update(scalar=torch.tensor(2.5), turned=torch.arange(600.0).reshape(20, 30).t(), bytes=torch.arange(2001).to(torch.uint8))
            xsepconv_torch.save_safetensors(tensors, sys.argv[2])
            again = xsepconv_torch.load_safetensors(sys.argv[2])[0]
            assert again.keys() == tensors.keys() and all(torch.equal(again[name], tensors[name]) for name in tensors)
            assert sum(sizes) == sum(t.numel() * t.element_size() for t in tensors.values())
            print(max(sizes))
            """;
        Assert.Equal("1000", await SayAsync(Pieces, _folder.File("file")));
    }

    // What no reader would take is not written over a file that one does.
    [Fact]
    public async Task What_no_reader_takes_is_a_ValueError_before_anything_is_written()
    {
        const string Writes = """
            import os, sys
            sys.path.insert(0, sys.argv[1])
            import torch
            import xsepconv_torch
            from xsepconv_torch import load_safetensors, save_safetensors
            path = sys.argv[2]
            one = torch.ones(2)
            for tensors, metadata, word in (
                ({"a": one}, {"epoch": 3}, "metadata['epoch'] is 3; it must be a str"),
                ({"a": one}, {"epoch": None}, "metadata['epoch']"),
                ({"a": one}, {"shape": [1]}, "metadata['shape']"),
                ({"a": one}, {"a": b"x"}, "metadata['a']"),
                ({"a": one}, {3: "epoch"}, "a key of metadata is 3"),
                ({"a": one}, {None: "epoch"}, "a key of metadata is None"),
                ({"a": one}, {"\ud800": "x"}, "UTF-8"),
                ({"a": one}, {"x": "\ud800"}, "metadata['x']"),
                ({"\udfff": one}, None, "the name of a tensor"),
                ({"__metadata__": one}, None, "'__metadata__'"),
                ({"__metadata__": one, "a": one}, {"k": "v"}, "'__metadata__'"),
                ({3: one}, None, "the name of a tensor is 3"),
                ({3: one, "a": one}, None, "the name of a tensor is 3"),
                ({("a", 1): one}, None, "the name of a tensor"),
                ({"a": [1.0]}, None, "tensor 'a' is a list"),
                ({"a": None}, None, "tensor 'a' is a NoneType"),
                ({"a": one.to(torch.complex64)}, None, "tensor 'a' has dtype torch.complex64"),
                ({"a": torch.quantize_per_tensor(one, 0.1, 0, torch.qint8)}, None, "tensor 'a' has dtype torch.qint8"),
                ({"a": one.to_sparse()}, None, "tensor 'a' is torch.sparse_coo"),
                ({"a": torch.ones(2, device="meta")}, None, "on meta"),
                ({"a": torch.ones([1] * 65)}, None, "65 dimensions"),
                ({"a": one}, {"k": "v" * 2_000_000}, "at most 1,000,000"),
            ):
                if "at most" in word:
                    xsepconv_torch._MOST_HEADER = 1_000_000
                save_safetensors({"good": one}, path)
                try:
                    save_safetensors(tensors, path, metadata)
                    print("written:", word)
                except ValueError as error:
                    assert word in str(error), (word, str(error))
                assert load_safetensors(path)[0].keys() == {"good"} and os.listdir(os.path.dirname(path)) == [os.path.basename(path)], word

            # What torch only promises is carried out, and what shares memory is written twice.
            tensors = {
                "negated": torch.tensor([1 + 2j]).conj().imag, "wide": torch.ones(1).expand(3), "every second": torch.arange(6.0)[::2],
                "turned": torch.arange(6.0).reshape(2, 3).t(), "gradient": torch.ones(2, requires_grad=True), "a": one, "b": one,
                "view": one[1:], "none": torch.empty(0, 3), "scalar": torch.tensor(True), "parameter": torch.nn.Parameter(one),
            }
            for place in path, os.fsencode(path):
                save_safetensors(tensors, place, {"Ü": "ü\n\0\""})
                again, metadata = load_safetensors(path)
                assert again.keys() == tensors.keys() and all(torch.equal(again[name], tensors[name]) for name in tensors), again
                assert metadata == {"Ü": "ü\n\0\""}, metadata
            """;
        Assert.Equal("", await SayAsync(Writes, _folder.File("file")));
    }

    // Terabytes, by a kilobyte: where it is built before it is counted, the process has no memory.
    [Fact]
    public async Task A_description_of_a_giant_is_refused_before_anything_is_made_for_it()
    {
        const string Giants = """
            import dataclasses, itertools, resource, sys
            sys.path.insert(0, sys.argv[1])
            import torch
            from xsepconv_torch import *
            from xsepconv_torch import METADATA_KEY
            for kind, squeeze, squeezed, stride, out, hidden, norm, classes in itertools.product(
                    BlockKind, SqueezeExcite, (None, 3), (1, 2), (8, 12), (0, 24), (True, False), (0, 5)):
                expands = (8, 20)
                rows = [BlockSpec(kind, 5, 8, expand, 8, Activation.RELU, squeeze, 1, squeezed) for expand in expands]
                rows.append(BlockSpec(kind, 3, 8, 16, out, Activation.RELU, squeeze, stride, squeezed))
                spec = NetworkSpec("a", 8, tuple(rows), 16, hidden, num_classes=classes, hidden_norm=norm, input_channels=2)
                try:
                    spec.validate()
                except ValueError:
                    continue
                built = sum(p.numel() for p in MobileNet(spec).parameters())
                assert spec.parameter_count() == built, (spec, spec.parameter_count(), built)
            resource.setrlimit(resource.RLIMIT_AS, (6 << 30, 6 << 30))
            small = large_kernel_small_spec(10)
            row = dataclasses.replace(small.blocks[0], in_channels=65_536, expand_channels=65_536, out_channels=65_536, stride=1)
            for giant in (
                dataclasses.replace(small, last_channels=65_536, hidden_features=65_536), dataclasses.replace(small, num_classes=1_000_000),
                dataclasses.replace(small, stem_channels=65_536, blocks=(row,) * 1000), dataclasses.replace(small, hidden_features=2_000),
            ):
                save_safetensors({"conv1.weight": torch.ones(1)}, sys.argv[2], {METADATA_KEY: giant.to_json()})
                try:
                    MobileNet.from_safetensors(sys.argv[2])
                    print("taken:", giant)
                except ValueError as error:
                    assert "parameters but holds only 1 values" in str(error), error
            """;
        Assert.Equal("", await SayAsync(Giants, _folder.File("file")));
    }

    [Fact]
    public async Task What_is_no_safetensors_file_is_a_ValueError()
    {
        Assert.Equal("[]", await SayAsync(Script, _folder.File("file")));
    }

    private static async Task<string> SayAsync(string script, string file)
    {
        var python = await PythonWithTorch.FindAsync(TestContext.Current.CancellationToken);
        Assert.SkipWhen(python is null, $"There is no Python with torch here; name one in {PythonWithTorch.Variable}.");
        var interop = Path.Combine(Documentation.Repository.Root, "interop", "pytorch");
        return (await PythonWithTorch.RunAsync(python!, ["-c", script, interop, file], TestContext.Current.CancellationToken)).Trim();
    }
}

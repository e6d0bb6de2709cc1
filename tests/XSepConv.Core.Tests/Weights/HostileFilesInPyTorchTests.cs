using XSepConv.Core.Tests.Parity;

namespace XSepConv.Core.Tests.Weights;

/// <summary>Python's reader says ValueError of every file that is none, and nothing else.</summary>
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
        var python = await PythonWithTorch.FindAsync(TestContext.Current.CancellationToken);
        Assert.SkipWhen(python is null, $"There is no Python with torch here; name one in {PythonWithTorch.Variable}.");
        var interop = Path.Combine(Documentation.Repository.Root, "interop", "pytorch");
        var said = await PythonWithTorch.RunAsync(
            python!, ["-c", Pieces, interop, _folder.File("file")], TestContext.Current.CancellationToken);
        Assert.Equal("1000", said.Trim());
    }

    [Fact]
    public async Task What_is_no_safetensors_file_is_a_ValueError()
    {
        var python = await PythonWithTorch.FindAsync(TestContext.Current.CancellationToken);
        Assert.SkipWhen(python is null, $"There is no Python with torch here; name one in {PythonWithTorch.Variable}.");
        var interop = Path.Combine(Documentation.Repository.Root, "interop", "pytorch");
        var said = await PythonWithTorch.RunAsync(
            python!, ["-c", Script, interop, _folder.File("file")], TestContext.Current.CancellationToken);
        Assert.Equal("[]", said.Trim());
    }
}

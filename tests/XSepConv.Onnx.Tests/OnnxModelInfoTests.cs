namespace XSepConv.Onnx.Tests;

public sealed class OnnxModelInfoTests
{
    private static readonly Lazy<byte[]> Model = new(() =>
    {
        using var block = Randomised.Eval(new XSepBlock(3, 4, 8, 6, PaddingDirection.Symmetric), 1);
        return OnnxRuntime.Export(block, new() { Metadata = new Dictionary<string, string> { ["note"] = "a block" } });
    });

    [Fact]
    public void A_file_is_read_from_its_path()
    {
        using var folder = new TemporaryFolder();
        var path = folder.File("block.onnx");
        File.WriteAllBytes(path, Model.Value);
        var info = OnnxModelInfo.Read(path);
        Assert.Equal("a block", info.Metadata["note"]);
        Assert.Equal(["N", "6", "H", "W"], info.Outputs.Single().Shape);
        var graph = OnnxFile.Parse(Model.Value).Graph;
        Assert.Equal(graph.Initializer.Sum(tensor => (long)tensor.RawData.Length), info.InitializerBytes);
        Assert.Equal(graph.Node.Count, info.Operators.Values.Sum());
        Assert.Throws<FileNotFoundException>(() => OnnxModelInfo.Read(folder.File("none.onnx")));
    }

    [Fact]
    public void A_truncated_file_is_refused_wherever_it_ends()
    {
        // What follows the operators' version is metadata, without which a file is whole.
        var whole = Model.Value.Length - OnnxFile.Parse(Model.Value).MetadataProps.Sum(entry => entry.CalculateSize() + 2);
        for (var length = 0; length < whole; length++) Refused(Model.Value[..length]);
        Assert.Empty(OnnxFile.Info(Model.Value[..whole]).Metadata);
        for (var length = whole + 1; length < Model.Value.Length; length++) Refused(Model.Value[..length]);
    }

    [Fact]
    public void A_file_of_another_kind_is_refused()
    {
        using var folder = new TemporaryFolder();
        using var block = new DwBlock(3, 4, 8, 4);
        block.SaveSafeTensors(folder.File("block.safetensors"));
        foreach (var content in new[]
        {
            File.ReadAllBytes(folder.File("block.safetensors")), "PK\u0003\u0004 and the rest of an archive"u8.ToArray(), "{\"graph\": []}"u8.ToArray(),
            [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A, 0, 0, 0, 13], new byte[4096],
        })
        {
            Refused(content);
        }
    }

    [Theory]
    // A graph, a producer and a tensor that claim 2⁶² bytes; a number of 11 bytes; a message that ends within a number; a field to skip
    // that reaches out of its graph into what follows.
    [InlineData(new byte[] { 0x08, 7, 0x3A, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x3F, 0 })]
    [InlineData(new byte[] { 0x08, 7, 0x12, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x3F, 0 })]
    [InlineData(new byte[] { 0x08, 7, 0x3A, 0x0C, 0x2A, 0x0A, 0x4A, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x3F })]
    [InlineData(new byte[] { 0x08, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01 })]
    [InlineData(new byte[] { 0x08, 7, 0x42, 0x02, 0x10, 0x8E, 0x01 })]
    [InlineData(new byte[] { 0x08, 7, 0x3A, 0x04, 0x62, 0x00, 0x6A, 0x04, 0x42, 0x02, 0x10, 14, 0x42, 0x02, 0x10, 14 })]
    public void Lengths_that_are_not_there_are_not_believed(byte[] file) => Refused(file);

    [Fact]
    public void A_file_of_millions_of_empty_fields_ends()
    {
        // Each 0x2A 0x00 in the graph is an initializer without anything: 2 bytes of file must not become an object of memory.
        var inside = new byte[10_000_000];
        for (var i = 0; i < inside.Length; i += 2) inside[i] = 0x2A;
        using var stream = new MemoryStream();
        stream.Write([0x08, 7, 0x3A]);
        for (var length = (uint)inside.Length; ; length >>= 7)
        {
            stream.WriteByte((byte)(length > 0x7F ? length | 0x80 : length));
            if (length <= 0x7F) break;
        }

        stream.Write(inside);
        Refused(stream.ToArray());
    }

    [Fact]
    public void Damaged_files_are_refused_or_read_and_nothing_else()
    {
        var random = new Random(20260214);
        for (var i = 0; i < 20_000; i++)
        {
            var file = (byte[])Model.Value.Clone();
            for (var damage = random.Next(1, 4); damage > 0; damage--) file[random.Next(file.Length)] = (byte)random.Next(256);
            if (random.Next(4) == 0) file = file[..random.Next(file.Length)];
            try
            {
                OnnxFile.Info(file);
            }
            catch (InvalidDataException e)
            {
                Assert.StartsWith("the file is no ONNX file, or a damaged one: ", e.Message, StringComparison.Ordinal);
            }
        }
    }

    [Fact]
    public void The_least_file_that_says_all_is_read()
    {
        // As the last case above, but the field, the graph's name, ends with its graph.
        var info = OnnxFile.Info([0x08, 7, 0x3A, 0x05, 0x62, 0x00, 0x12, 0x01, 0x67, 0x42, 0x02, 0x10, 14]);
        Assert.Equal((7, "g", 14), (info.IrVersion, info.GraphName, info.Opsets[""]));
    }

    private static void Refused(byte[] file) => Assert.Throws<InvalidDataException>(() => OnnxFile.Info(file));
}

using System.Buffers.Binary;

namespace XSepConv.Runtime.Tests.Weights;

/// <summary>Each file breaks one rule; every one is refused with a message that names the file and the rule.</summary>
public sealed class SafeTensorsHostileTests : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("xsepconv-");

    public void Dispose() => folder.Delete(recursive: true);

    private void Refused(byte[] file, params string[] mentioned)
    {
        var path = Path.Combine(folder.FullName, "hostile.safetensors");
        File.WriteAllBytes(path, file);
        var opened = Assert.Throws<InvalidDataException>(() => SafeTensors.Open(path));
        var streamed = Assert.Throws<InvalidDataException>(() => SafeTensors.Read(new SafeTensorsBytes.Trickle(file)));
        Assert.Contains(path, opened.Message);
        Assert.All(mentioned, part => Assert.Contains(part, opened.Message));
        Assert.DoesNotContain(opened.Message, char.IsControl);
        Assert.DoesNotContain(streamed.Message, char.IsControl);

        // Nothing is left open.
        File.Delete(path);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(7)]
    public void Too_short_for_the_length_of_the_header(int bytes) => Refused(new byte[bytes], $"it has {bytes} bytes");

    [Theory]
    [InlineData(0UL)]
    [InlineData(1UL)]
    [InlineData(100_000_001UL)]
    [InlineData(1UL << 60)]
    [InlineData(ulong.MaxValue)]
    public void Impossible_length_of_the_header(ulong length)
    {
        var file = new byte[1000];
        BinaryPrimitives.WriteUInt64LittleEndian(file, length);
        Refused(file, $"{length:N0}");
    }

    [Fact]
    public void A_claimed_length_allocates_nothing()
    {
        foreach (var claimed in new[] { 1UL << 60, 100_000_000UL })
        {
            var file = new byte[64];
            BinaryPrimitives.WriteUInt64LittleEndian(file, claimed);
            var path = Path.Combine(folder.FullName, "claims.safetensors");
            File.WriteAllBytes(path, file);
            using var stream = new MemoryStream(file);
            var before = GC.GetAllocatedBytesForCurrentThread();
            Assert.Throws<InvalidDataException>(() => SafeTensors.Open(path));
            Assert.Throws<InvalidDataException>(() => SafeTensors.Read(stream));

            // One first piece of 64 KiB; the claims are 100 MB and an exabyte.
            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 18);
        }
    }

    [Fact]
    public void A_claimed_tensor_allocates_nothing()
    {
        var file = SafeTensorsBytes.File("""{"a":{"dtype":"U8","shape":[2000000000],"data_offsets":[0,2000000000]}}""", 1, 2, 3);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Throws<InvalidDataException>(() => SafeTensors.Read(new MemoryStream(file)));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 18);
        Refused(file, "2,000,000,000 bytes, after the header there are 3");
    }

    [Theory]
    [InlineData("  {}", "'{'")]
    [InlineData("[]", "'{'")]
    [InlineData("{", "header of 1 bytes")]
    [InlineData("{\"", "JSON")]
    [InlineData("{} {}", "JSON")]
    [InlineData("{}\0\0", "JSON")]
    [InlineData("{,}", "JSON")]
    [InlineData("{\"a\":1}", "'a'", "object")]
    [InlineData("{\"a\":null}", "'a'", "object")]
    [InlineData("{\"a\":{}}", "'a'", "dtype")]
    [InlineData("{/* hm */}", "JSON")]
    [InlineData("{\"__metadata__\":[]}", "__metadata__", "object")]
    [InlineData("{\"__metadata__\":{\"k\":1}}", "'k'", "string")]
    [InlineData("{\"__metadata__\":{\"k\":null}}", "'k'", "string")]
    [InlineData("{\"__metadata__\":{\"k\":{\"v\":\"\"}}}", "'k'", "string")]
    [InlineData("{\"__metadata__\":{\"k\":\"v\",\"k\":\"v\"}}", "'k'", "twice")]
    [InlineData("{\"__metadata__\":{},\"__metadata__\":{}}", "__metadata__", "twice")]
    [InlineData("{\"\\u005f_metadata__\":{},\"__metadata__\":{}}", "__metadata__", "twice")]
    [InlineData("{\"\\ud800\":{}}", "JSON")]
    [InlineData("{\"__metadata__\":{\"k\":\"\\udc00\"}}", "JSON")]
    public void The_header_is_not_an_object_of_tensors(string header, params string[] mentioned) =>
        Refused(SafeTensorsBytes.File(header), mentioned);

    [Theory]
    [InlineData("""{"dtype":"U8","shape":[4]}""", "no data_offsets")]
    [InlineData("""{"dtype":"U8","data_offsets":[0,4]}""", "no shape")]
    [InlineData("""{"shape":[4],"data_offsets":[0,4]}""", "no dtype")]
    [InlineData("""{"dtype":"U8","dtype":"U8","shape":[4],"data_offsets":[0,4]}""", "'dtype' twice")]
    [InlineData("""{"dtype":"U8","shape":[4],"shape":[4],"data_offsets":[0,4]}""", "'shape' twice")]
    [InlineData("""{"dtype":1,"shape":[4],"data_offsets":[0,4]}""", "dtype", "string")]
    [InlineData("""{"dtype":null,"shape":[4],"data_offsets":[0,4]}""", "dtype", "string")]
    [InlineData("""{"dtype":"u8","shape":[4],"data_offsets":[0,4]}""", "'u8'")]
    [InlineData("""{"dtype":"F8_E4M3","shape":[4],"data_offsets":[0,4]}""", "'F8_E4M3'", "BF16")]
    [InlineData("""{"dtype":"I16","shape":[2],"data_offsets":[0,4]}""", "'I16'")]
    [InlineData("""{"dtype":"0","shape":[4],"data_offsets":[0,4]}""", "'0'")]
    [InlineData("""{"dtype":"U8","shape":4,"data_offsets":[0,4]}""", "shape", "array")]
    [InlineData("""{"dtype":"U8","shape":null,"data_offsets":[0,4]}""", "shape", "array")]
    [InlineData("""{"dtype":"U8","shape":[-4],"data_offsets":[0,4]}""", "shape", "integer")]
    [InlineData("""{"dtype":"U8","shape":[-2,-2],"data_offsets":[0,4]}""", "shape", "integer")]
    [InlineData("""{"dtype":"U8","shape":[4.0],"data_offsets":[0,4]}""", "shape", "integer")]
    [InlineData("""{"dtype":"U8","shape":[4e0],"data_offsets":[0,4]}""", "shape", "integer")]
    [InlineData("""{"dtype":"U8","shape":["4"],"data_offsets":[0,4]}""", "shape", "integer")]
    [InlineData("""{"dtype":"U8","shape":[[4]],"data_offsets":[0,4]}""", "shape", "integer")]
    [InlineData("""{"dtype":"U8","shape":[NaN],"data_offsets":[0,4]}""", "JSON")]
    [InlineData("""{"dtype":"U8","shape":[Infinity],"data_offsets":[0,4]}""", "JSON")]
    [InlineData("""{"dtype":"U8","shape":[04],"data_offsets":[0,4]}""", "JSON")]
    [InlineData("""{"dtype":"U8","shape":[18446744073709551620],"data_offsets":[0,4]}""", "shape", "integer")]
    [InlineData("""{"dtype":"U8","shape":[4294967296,4294967296,4],"data_offsets":[0,4]}""", "more elements")]
    [InlineData("""{"dtype":"F64","shape":[2305843009213693952],"data_offsets":[0,0]}""", "more elements")]
    [InlineData("""{"dtype":"F64","shape":[9223372036854775807,9223372036854775807,0],"data_offsets":[0,4]}""", "more elements")]
    [InlineData("""{"dtype":"U8","shape":[3],"data_offsets":[0,4]}""", "takes 3 bytes", "0 to 4")]
    [InlineData("""{"dtype":"F32","shape":[4],"data_offsets":[0,4]}""", "takes 16 bytes", "0 to 4")]
    [InlineData("""{"dtype":"U8","shape":[0],"data_offsets":[0,4]}""", "takes 0 bytes")]
    [InlineData("""{"dtype":"U8","shape":[4],"data_offsets":[4,0]}""", "4 to 0")]
    [InlineData("""{"dtype":"U8","shape":[4],"data_offsets":[-4,0]}""", "data_offsets", "integer")]
    [InlineData("""{"dtype":"U8","shape":[4],"data_offsets":[]}""", "0 numbers")]
    [InlineData("""{"dtype":"U8","shape":[4],"data_offsets":[4]}""", "1 numbers")]
    [InlineData("""{"dtype":"U8","shape":[4],"data_offsets":[0,2,4]}""", "3 numbers")]
    [InlineData("""{"dtype":"U8","shape":[4],"data_offsets":{"begin":0,"end":4}}""", "data_offsets", "array")]
    [InlineData("""{"dtype":"U8","shape":[5],"data_offsets":[0,5]}""", "5 bytes", "there are 4")]
    [InlineData("""{"dtype":"U8","shape":[3],"data_offsets":[0,3]}""", "3 bytes", "there are 4")]
    [InlineData("""{"dtype":"U8","shape":[3],"data_offsets":[1,4]}""", "begins at 1")]
    [InlineData("""{"dtype":"U8","shape":[4],"data_offsets":[9223372036854775803,9223372036854775807]}""", "begins at")]
    public void An_entry_breaks_a_rule(string entry, params string[] mentioned) =>
        Refused(SafeTensorsBytes.File("{\"a\":" + entry + "}", 1, 2, 3, 4), [.. mentioned]);

    [Theory]
    [InlineData(0, 2, 3, 4, "'b'", "begins at 3 instead of 2")]
    [InlineData(0, 3, 2, 4, "'b'", "begins at 2 instead of 3")]
    [InlineData(0, 4, 0, 4, "'b'", "begins at 0 instead of 4")]
    [InlineData(2, 4, 3, 4, "'a'", "begins at 2 instead of 0")]
    [InlineData(0, 4, 2, 2, "'b'", "begins at 2 instead of 4")]
    public void Tensors_overlap_or_leave_a_hole(int begin, int end, int secondBegin, int secondEnd, params string[] mentioned) => Refused(
        SafeTensorsBytes.File(
            $$"""{"a":{"dtype":"U8","shape":[{{end - begin}}],"data_offsets":[{{begin}},{{end}}]},"b":{"dtype":"U8","shape":[{{secondEnd - secondBegin}}],"data_offsets":[{{secondBegin}},{{secondEnd}}]} }""",
            1, 2, 3, 4),
        mentioned);

    [Fact]
    public void Two_tensors_have_one_name()
    {
        const string Entry = """{"dtype":"U8","shape":[0],"data_offsets":[0,0]}""";
        Refused(SafeTensorsBytes.File($$"""{"a":{{Entry}},"a":{{Entry}} }"""), "'a' comes twice");
        Refused(SafeTensorsBytes.File($$"""{"a":{{Entry}},"\u0061":{{Entry}} }"""), "'a' comes twice");
    }

    [Fact]
    public void More_dimensions_than_anything_has()
    {
        Refused(SafeTensorsBytes.File($$"""{"a":{"dtype":"U8","shape":[{{Repeated("1", 65)}}],"data_offsets":[0,1]} }""", 1), "'a' has more than 64 dimensions");
        SafeTensors.Read(new MemoryStream(SafeTensorsBytes.File($$"""{"a":{"dtype":"U8","shape":[{{Repeated("1", 64)}}],"data_offsets":[0,1]} }""", 1))).Dispose();
    }

    [Fact]
    public void More_tensors_or_more_metadata_than_anything_has()
    {
        Refused(SafeTensorsBytes.File("{" + string.Join(",", Enumerable.Range(0, SafeTensorsHeader.MostTensors + 1).Select(EmptyTensor)) + "}"), "more than 500,000 tensors");
        Refused(
            SafeTensorsBytes.File("{\"__metadata__\":{" + string.Join(",", Enumerable.Range(0, SafeTensorsHeader.MostMetadata + 1).Select(i => $"\"{i}\":\"\"")) + "}}"),
            "more than 65,536 entries");
    }

    public static TheoryData<string, int, string> Greedy => new()
    {
        { "dimensions", 4, $$"""{"a":{"dtype":"U8","shape":[{{Repeated("1", 2_000_000)}}],"data_offsets":[0,1]} }""" },
        { "offsets", 4, $$"""{"a":{"dtype":"U8","shape":[1],"data_offsets":[{{Repeated("1", 2_000_000)}}]} }""" },
        { "members", 4, $$"""{"a":{{{string.Join(",", Enumerable.Range(0, 200_000).Select(i => $"\"m{i}\":0"))}}} }""" },
        { "nesting", 4, "{\"a\":{\"later\":" + new string('[', 2_000_000) },
        { "tensors", 12, "{" + string.Join(",", Enumerable.Range(0, 100_000).Select(EmptyTensor)) + "}" },
        { "tensors backwards", 12, "{" + string.Join(",", Enumerable.Range(0, 50_000).Select(i => $$"""{{'"'}}{{i}}":{"dtype":"U8","shape":[1],"data_offsets":[{{49_999 - i}},{{50_000 - i}}]}""")) + "}" },
        { "one name", 12, "{" + string.Join(",", Enumerable.Repeat(EmptyTensor(0), 100_000)) + "}" },
        { "metadata", 12, "{\"__metadata__\":{" + string.Join(",", Enumerable.Range(0, 60_000).Select(i => $"\"{i}\":\"\"")) + "}}" },
        { "one string", 6, "{\"__metadata__\":{\"a\":\"" + new string('x', 4_000_000) + "\"}}" },
        { "one name of 4 MB", 6, "{\"" + new string('x', 4_000_000) + "\":{}}" },
    };

    // A stream is read into arrays of twice the length each time, which makes three times its bytes in all. What is refused or skipped takes
    // no more than that, one long text twice its bytes besides. A file of real use has a header of about 90 bytes a tensor; the smallest
    // possible entry has 49, and takes a name, a shape and a place in a dictionary.
    [Theory]
    [MemberData(nameof(Greedy))]
    public void A_header_takes_a_few_times_its_own_length(string what, int times, string header)
    {
        Assert.NotEmpty(what);
        var file = SafeTensorsBytes.File(header, what == "tensors backwards" ? new byte[50_000] : []);
        var path = Path.Combine(folder.FullName, "greedy.safetensors");
        File.WriteAllBytes(path, file);
        foreach (var read in new Action[] { () => SafeTensors.Open(path).Dispose(), () => SafeTensors.Read(new MemoryStream(file)).Dispose() })
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            try
            {
                read();
            }
            catch (InvalidDataException)
            {
            }

            Assert.InRange((GC.GetAllocatedBytesForCurrentThread() - before) / (double)file.Length, 0, times);
        }
    }

    private static string EmptyTensor(int i) => $$"""{{'"'}}{{i}}":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}""";

    private static string Repeated(string item, int count) => string.Join(",", Enumerable.Repeat(item, count));

    [Fact]
    public void Bytes_that_are_not_UTF8() => Refused(SafeTensorsBytes.File([(byte)'{', (byte)'"', 0xFF, 0xC0, (byte)'"', (byte)':', (byte)'{', (byte)'}', (byte)'}'], []), "JSON");

    [Fact]
    public void Nesting_without_end()
    {
        Refused(SafeTensorsBytes.File("{\"a\":{\"later\":" + new string('[', 1_000_000)), "JSON");
        Refused(SafeTensorsBytes.File("{\"a\":" + string.Concat(Enumerable.Repeat("{\"a\":", 100_000))), "JSON");
    }

    [Fact]
    public void A_name_without_end_or_with_terminal_codes_stays_out_of_the_message()
    {
        var path = Path.Combine(folder.FullName, "long.safetensors");
        File.WriteAllBytes(path, SafeTensorsBytes.File($$"""{"\u001b[2J{{new string('x', 1_000_000)}}":{"dtype":"\u0007"} }"""));
        var e = Assert.Throws<InvalidDataException>(() => SafeTensors.Open(path));
        Assert.InRange(e.Message.Length, 1, 1000);
        Assert.DoesNotContain(e.Message, char.IsControl);
    }

    [Fact]
    public void Every_truncation_of_a_valid_file()
    {
        var whole = SafeTensorsBytes.File("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", new byte[8]);
        for (var length = 0; length < whole.Length; length++) Refused(whole[..length]);
        Refused([.. whole, 0], "8 bytes, after the header there are 9");
    }

    [Fact]
    public void What_is_no_file()
    {
        Assert.Contains("directory", Assert.Throws<InvalidDataException>(() => SafeTensors.Open(folder.FullName)).Message);
        if (OperatingSystem.IsLinux()) Assert.Throws<InvalidDataException>(() => SafeTensors.Open("/dev/null"));
    }
}

using System.Buffers.Binary;
using System.Text;
using System.Text.Json;

namespace XSepConv.Runtime.Tests.Inference;

/// <summary>Files that are no model, or a wrong one.</summary>
public sealed class LoadTests : IDisposable
{
    private const string WithScaling =
        "{\"name\":\"x\",\"synthetic\":false,\"classes\":[\"a\"],\"mean\":[0],\"std\":[1],\"channels\":1,\"height\":8,\"width\":8,\"scaling\":";

    private readonly ModelFile.Folder _folder = new();

    private string Path => _folder.File("model.safetensors");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_file_says_which_network_and_data_it_holds()
    {
        ModelFile.Write(Path, ModelFile.Spec, ModelFile.Tensors(ModelFile.Spec), ModelFile.Data);
        var model = CompiledModel.Load(Path);
        Assert.Equal(ModelFile.Spec, model.Spec);
        Assert.Equal(ModelFile.Data.Classes, model.Data!.Classes);
        Assert.InRange(model.WeightBytes, 4 * ModelFile.Spec.ParameterCount() / 2, long.MaxValue);
        Assert.True(model.CompileTime > TimeSpan.Zero);
        Assert.Contains(model.Kernel, XSepConv.Kernels.KernelRegistry.Available.Select(kernel => kernel.Name));
    }

    [Fact]
    public void Tensors_of_the_trainer_are_left_aside()
    {
        ModelFile.Write(Path, ModelFile.Spec,
            [.. ModelFile.Tensors(ModelFile.Spec), ModelFile.Float32("training/momentum/x", [2], [1, 2])]);
        CompiledModel.Load(Path);
    }

    [Fact]
    public void Everything_that_does_not_fit_is_listed()
    {
        var tensors = ModelFile.Tensors(ModelFile.Spec);
        tensors.RemoveAll(tensor => tensor.Name is "conv2.weight" or "bneck.1.se.se.4.weight");
        var at = tensors.FindIndex(tensor => tensor.Name == "bneck.0.conv2.weight");
        tensors[at] = ModelFile.Float32("bneck.0.conv2.weight", [20, 1, 3, 4], new float[240]);
        at = tensors.FindIndex(tensor => tensor.Name == "linear4.bias");
        tensors[at] = new("linear4.bias", SafeTensorType.I32, [10], new byte[40]);
        tensors.Add(ModelFile.Float32("left.over", [1], [0]));
        var message = Refused(ModelFile.Spec, tensors);
        Assert.Contains("'conv2.weight' is missing", message, StringComparison.Ordinal);
        Assert.Contains("'bneck.1.se.se.4.weight' is missing", message, StringComparison.Ordinal);
        Assert.Contains("'bneck.0.conv2.weight' has shape [20, 1, 3, 4], the network's is [20, 1, 3, 3]", message,
            StringComparison.Ordinal);
        Assert.Contains("'linear4.bias' has type I32", message, StringComparison.Ordinal);
        Assert.Contains("'left.over' is unexpected", message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("bneck.2.conv3.weight", float.NaN, "'bneck.2.conv3.weight' has NaN at 0")]
    [InlineData("linear4.bias", float.PositiveInfinity, "'linear4.bias' has Infinity at 0")]
    [InlineData("bn1.running_mean", float.NaN, "'bn1.running_mean'")]
    [InlineData("bneck.1.bn2.running_var", -0.5f, "a variance is not negative")]
    [InlineData("bneck.1.bn2.weight", 3e38f, "float32 can't hold")]
    public void Values_that_are_no_weights_are_refused(string key, float value, string because)
    {
        var tensors = ModelFile.Tensors(ModelFile.Spec);
        var at = tensors.FindIndex(tensor => tensor.Name == key);
        var values = new float[tensors[at].Data.Length / 4];
        Array.Fill(values, value);
        tensors[at] = ModelFile.Float32(key, tensors[at].Shape, values);
        if (value == 3e38f)
        {
            var variance = tensors.FindIndex(tensor => tensor.Name == key.Replace(".weight", ".running_var", StringComparison.Ordinal));
            tensors[variance] = ModelFile.Float32(tensors[variance].Name, tensors[variance].Shape, new float[values.Length]);
        }

        Assert.Contains(because, Refused(ModelFile.Spec, tensors), StringComparison.Ordinal);
    }

    [Fact]
    public void Half_precision_and_double_weights_are_read()
    {
        // Numbers that every one of the types holds.
        var tensors = ModelFile.Tensors(ModelFile.Spec).Select(tensor =>
            tensor.Type != SafeTensorType.F32 ? tensor : tensor with { Data = Rounded(tensor.Data.Span) }).ToList();
        ModelFile.Write(Path, ModelFile.Spec, tensors);
        var expected = Logits(CompiledModel.Load(Path));
        foreach (var type in new[] { SafeTensorType.F64, SafeTensorType.F16, SafeTensorType.BF16 })
        {
            ModelFile.Write(Path, ModelFile.Spec,
                tensors.Select(tensor => tensor.Type == SafeTensorType.F32 ? Convert(tensor, type) : tensor));
            var logits = Logits(CompiledModel.Load(Path));

            // BF16 stays as it is in linear layers, so that batch normalisation multiplies their sums: another order of the same arithmetic.
            if (type == SafeTensorType.BF16) Assert.All(expected.Zip(logits), pair => Assert.Equal(pair.First, pair.Second, 1e-5 * expected.Max(Math.Abs)));
            else Assert.Equal(expected, logits);
        }

        static byte[] Rounded(ReadOnlySpan<byte> data)
        {
            var bytes = data.ToArray();
            for (var i = 0; i < bytes.Length; i += 4)
            {
                var value = (float)(Math.Round(BinaryPrimitives.ReadSingleLittleEndian(data[i..]) * 32) / 32);
                BinaryPrimitives.WriteSingleLittleEndian(bytes.AsSpan(i), Math.Clamp(value, -2, 2));
            }

            return bytes;
        }

        static SafeTensor Convert(SafeTensor tensor, SafeTensorType type)
        {
            var size = type == SafeTensorType.F64 ? 8 : 2;
            var bytes = new byte[tensor.Data.Length / 4 * size];
            for (var i = 0; i < bytes.Length / size; i++)
            {
                var value = BinaryPrimitives.ReadSingleLittleEndian(tensor.Data.Span[(i * 4)..]);
                var target = bytes.AsSpan(i * size);
                if (type == SafeTensorType.F64) BinaryPrimitives.WriteDoubleLittleEndian(target, value);
                else if (type == SafeTensorType.F16) BinaryPrimitives.WriteHalfLittleEndian(target, (Half)value);
                else BinaryPrimitives.WriteUInt16LittleEndian(target, (ushort)(BitConverter.SingleToUInt32Bits(value) >> 16));
            }

            return tensor with { Type = type, Data = bytes };
        }
    }

    [Fact]
    public void A_description_of_a_giant_is_refused_before_anything_is_made_for_it()
    {
        var giant = ModelFile.Spec with
        {
            Blocks = [.. Enumerable.Repeat(
                new BlockSpec(BlockKind.Dw, 255, 65_536, 65_536, 65_536, Activation.ReLU, SqueezeExcite.Output, 1), 1000)],
            StemChannels = 65_536,
            LastChannels = 65_536,
            HiddenFeatures = 65_536,
            NumClasses = 1_000_000,
        };
        ModelFile.Write(Path, giant, [ModelFile.Float32("conv1.weight", [1], [0])]);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Contains("holds only 1 values", Refusal(), StringComparison.Ordinal);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 10 << 20);
    }

    [Fact]
    public void A_header_of_an_exabyte_is_refused_at_once()
    {
        var bytes = new byte[64];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, 1L << 60);
        File.WriteAllBytes(Path, bytes);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Contains("1,152,921,504,606,846,976", Refusal(), StringComparison.Ordinal);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
    }

    [Theory]
    [InlineData(null, "metadata lacks 'xsepconv.network'")]
    [InlineData("{}", "can't be read")]
    [InlineData("[", "can't be read")]
    [InlineData("null", "null")]
    public void A_file_without_a_network_is_named(string? json, string because)
    {
        var metadata = new Dictionary<string, string>();
        if (json is not null) metadata["xsepconv.network"] = json;
        SafeTensors.Write(Path, ModelFile.Tensors(ModelFile.Spec), metadata);
        var message = Refusal();
        Assert.Contains(because, message, StringComparison.Ordinal);
        Assert.Contains(Path, message, StringComparison.Ordinal);
    }

    [Fact]
    public void Data_of_another_network_is_a_contradiction()
    {
        ModelFile.Write(Path, ModelFile.Spec, ModelFile.Tensors(ModelFile.Spec), ModelFile.Data with { Classes = ["one"] });
        Assert.Contains("contradicts itself", Refusal(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{\"name\":\"x\"}")]
    [InlineData(
        "{\"name\":\"x\",\"synthetic\":false,\"classes\":[\"a\"],\"mean\":[0],\"std\":[0],\"channels\":1,\"height\":2,\"width\":2}")]
    [InlineData(
        "{\"name\":\"x\",\"synthetic\":false,\"classes\":[\"a\"],\"mean\":[1e999],\"std\":[1],\"channels\":1,\"height\":2,\"width\":2}")]
    [InlineData(
        "{\"name\":\"x\",\"synthetic\":false,\"classes\":[\"a\"],\"mean\":[0],\"std\":[1e999],\"channels\":1,\"height\":2,\"width\":2}")]
    [InlineData("{\"name\":\"x\",\"synthetic\":false,\"classes\":[null],\"mean\":[0],\"std\":[1],\"channels\":1,\"height\":2,\"width\":2}")]
    [InlineData(
        "{\"name\":\"x\",\"synthetic\":false,\"classes\":[\"a\"],\"mean\":[0,1],\"std\":[1],\"channels\":1,\"height\":2,\"width\":2}")]
    [InlineData(
        "{\"name\":\"x\",\"synthetic\":false,\"classes\":[\"a\"],\"mean\":[0],\"std\":[1],\"channels\":1,\"height\":0,\"width\":2}")]
    [InlineData(
        "{\"name\":\"x\",\"synthetic\":false,\"classes\":[\"a\"],\"mean\":[0],\"std\":[1],\"channels\":1,"
        + "\"height\":2,\"width\":2,\"background\":\"grey\"}")]
    [InlineData(
        "{\"name\":\"x\",\"synthetic\":false,\"classes\":[\"a\"],\"mean\":[0],\"std\":[1],\"channels\":1,"
        + "\"height\":2,\"width\":2,\"background\":7}")]
    [InlineData(
        "{\"name\":\"x\",\"synthetic\":false,\"classes\":[\"a\"],\"mean\":[0],\"std\":[1],\"channels\":1,"
        + "\"height\":20000,\"width\":20000}")]
    [InlineData(
        "{\"name\":\"x\",\"synthetic\":false,\"classes\":[\"a\"],\"mean\":[0],\"std\":[1],\"channels\":1,"
        + "\"height\":2147483647,\"width\":2147483647}")]
    [InlineData(
        "{\"name\":\"x\",\"synthetic\":false,\"classes\":[\"a\"],\"mean\":[0],\"mean\":[0.5],\"std\":[1],\"channels\":1,"
        + "\"height\":8,\"width\":8}")]
    [InlineData(WithScaling + "{\"crop\":0}}")]
    [InlineData(WithScaling + "{\"crop\":1.01}}")]
    [InlineData(WithScaling + "{}}")]
    [InlineData(WithScaling + "{\"crop\":0.9,\"interpolation\":\"nearest\"}}")]
    [InlineData(WithScaling + "{\"crop\":0.9,\"interpolation\":7}}")]
    [InlineData(WithScaling + "0.9}")]
    [InlineData("null")]
    [InlineData("nonsense")]
    public void A_description_of_data_is_not_believed(string json) => Assert.Throws<FormatException>(() => DataSpec.FromJson(json));

    [Theory]
    [InlineData("white", 255, 255, 255)]
    [InlineData("BLACK", 0, 0, 0)]
    [InlineData("#0a80FF", 10, 128, 255)]
    public void A_colour_is_read(string text, byte red, byte green, byte blue) => Assert.Equal(new Rgb(red, green, blue), Rgb.Parse(text));

    [Theory]
    [InlineData("")]
    [InlineData("#12345")]
    [InlineData("#12345g")]
    [InlineData("# 12345")]
    [InlineData("0a80ff")]
    [InlineData("grey")]
    public void Another_text_is_no_colour(string text) =>
        Assert.Contains("six hexadecimal digits", Assert.Throws<FormatException>(() => Rgb.Parse(text)).Message, StringComparison.Ordinal);

    [Fact]
    public void A_description_of_data_comes_back_as_it_was()
    {
        var data = DataSpec.FromJson(ModelFile.Data.ToJson());
        Assert.Equal(ModelFile.Data.Classes, data.Classes);
        Assert.Equal(ModelFile.Data.Mean, data.Mean);
        Assert.Equal(ModelFile.Data.Std, data.Std);
        Assert.Equal((ModelFile.Data.Name, true, 3, 32, 32), (data.Name, data.Synthetic, data.Channels, data.Height, data.Width));
        Assert.Null(data.Background);
        Assert.DoesNotContain("background", data.ToJson(), StringComparison.Ordinal);
        Assert.Contains("\"background\":\"#0a80ff\"", (data with { Background = new Rgb(10, 128, 255) }).ToJson(),
            StringComparison.Ordinal);
        Assert.Equal(new Rgb(10, 128, 255), DataSpec.FromJson((data with { Background = new Rgb(10, 128, 255) }).ToJson()).Background);
        Assert.Null(data.Scaling);
        Assert.DoesNotContain("scaling", data.ToJson(), StringComparison.Ordinal);
        var scaled = (data with { Scaling = new(0.875, Interpolation.Bicubic) }).ToJson();
        Assert.Contains("\"scaling\":{\"crop\":0.875,\"interpolation\":\"bicubic\"}", scaled, StringComparison.Ordinal);
        Assert.Equal(new(0.875, Interpolation.Bicubic), DataSpec.FromJson(scaled).Scaling);
        Assert.Equal(new(1), DataSpec.FromJson(WithScaling + "{\"crop\":1}}").Scaling);
        Assert.Throws<InvalidOperationException>(() => (data with { Scaling = new(double.NaN) }).ToJson());
    }

    [Fact]
    public void Any_damage_to_a_file_is_an_InvalidDataException_or_harmless()
    {
        ModelFile.Write(Path, ModelFile.Spec, ModelFile.Tensors(ModelFile.Spec), ModelFile.Data);
        DamagedFiles.RequireRefusedOrHarmless(Path);
    }

    [Fact]
    public void What_is_no_file_of_ours_is_named()
    {
        Assert.Throws<FileNotFoundException>(() => CompiledModel.Load(Path));
        File.WriteAllBytes(Path, Encoding.UTF8.GetBytes("<html>not a model at all</html>"));
        Assert.Contains(Path, Refusal(), StringComparison.Ordinal);
    }

    [Fact]
    public void Counters_may_be_missing()
    {
        ModelFile.Write(Path, ModelFile.Spec,
            ModelFile.Tensors(ModelFile.Spec).Where(tensor => !tensor.Name.EndsWith("num_batches_tracked", StringComparison.Ordinal)));
        CompiledModel.Load(Path);
    }

    [Fact]
    public void A_list_of_what_does_not_fit_stops_after_ten()
    {
        // All 62 weights and statistics of the spec are missing; shown are ten.
        var needed =
            ModelFile.Tensors(ModelFile.Spec).Count(tensor => !tensor.Name.EndsWith("num_batches_tracked", StringComparison.Ordinal));
        var message = Refused(ModelFile.Spec, []);
        Assert.Contains($"and {needed - 10} more", message, StringComparison.Ordinal);
        Assert.InRange(message.Length, 1, 1000);
    }

    [Theory]
    [InlineData(1, null, null, null, 32, 32)]
    [InlineData(2, null, null, null, 224, 224)]
    [InlineData(2, 40, null, null, 40, 48)]
    [InlineData(2, 40, 64, null, 64, 64)]
    [InlineData(2, null, null, 64, 64, 64)]
    [InlineData(1, null, 64, null, 64, 64)]
    [InlineData(1, 40, 20, 30, 20, 30)]
    public void Images_have_the_size_that_is_given_or_trained_at_or_the_preset_s(int stemStride, int? trained, int? height, int? width,
        int expectedHeight, int expectedWidth)
    {
        var spec = ModelFile.Spec with { StemStride = stemStride };
        ModelFile.Write(Path, spec, ModelFile.Tensors(spec),
            trained is { } size ? ModelFile.Data with { Height = size, Width = size + 8 } : null);
        using var session = CompiledModel.Load(Path).CreateSession(height: height, width: width);
        Assert.Equal((expectedHeight, expectedWidth), (session.Height, session.Width));
    }

    // A few bytes of a file must not ask for gigabytes.
    [Theory]
    [InlineData(2_400, 2_400)]
    [InlineData(1, 6_000_000)]
    [InlineData(9_459, 9_459)] // all that a description can say
    public void Images_as_large_as_a_file_claims_are_refused_and_taken_where_they_are_asked_for(int height, int width)
    {
        ModelFile.Write(Path, ModelFile.Spec, ModelFile.Tensors(ModelFile.Spec), ModelFile.Data with { Height = height, Width = width });
        var model = CompiledModel.Load(Path);
        var message = Assert.Throws<ArgumentException>(() => model.CreateSession()).Message;
        Assert.Contains($"3×{height}×{width} images, more than 16,777,216 values", message, StringComparison.Ordinal);
        using var session = model.CreateSession(height: 24, width: 40);
        Assert.Equal((24, 40), (session.Height, session.Width));
        if (height != 2_400) return;
        using var asked = model.CreateSession(height: height, width: width);
        Assert.Equal((height, width), (asked.Height, asked.Width));
    }

    [Fact]
    public void A_tensor_of_2_GiB_is_invalid_data_wherever_it_comes_from()
    {
        var spec = ModelFile.Spec with { LastChannels = 1 << 14, HiddenFeatures = 1 << 15 };
        var (entries, size) = (new List<string>(), 0L);
        foreach (var (key, shape) in XSepConv.Inference.ExpectedTensors.Of(spec).Where(tensor => tensor.Shape.Length > 0))
        {
            var end = size + (4 * shape.Aggregate((product, extent) => product * extent));
            entries.Add($$"""
                "{{key}}":{"dtype":"F32","shape":[{{string.Join(',', shape)}}],"data_offsets":[{{size}},{{end}}]}
                """);
            size = end;
        }

        // Sparse: only the header takes room on the disk.
        var metadata = JsonSerializer.Serialize(new Dictionary<string, string> { [NetworkSpec.MetadataKey] = spec.ToJson() });
        File.WriteAllBytes(Path, Weights.SafeTensorsBytes.File($$"""{"__metadata__":{{metadata}},{{string.Join(',', entries)}}}"""));
        using (var grow = File.OpenWrite(Path)) grow.SetLength(grow.Length + size);
        Assert.Contains("'linear3.weight' takes 2,147,483,648 bytes, at most 2,147,483,591 are read", Refusal(), StringComparison.Ordinal);
        using var stream = File.OpenRead(Path);
        Assert.Contains(
            "'linear3.weight' takes 2,147,483,648 bytes, at most 2,147,483,591 are read",
            Assert.Throws<InvalidDataException>(() => CompiledModel.Load(stream, "the stream")).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(ImagePreset.Cifar, 32)]
    [InlineData(ImagePreset.ImageNet, 224)]
    public void A_preset_s_networks_know_their_size(ImagePreset preset, int size)
    {
        Assert.All(
            NetworkCatalog.Names, name => Assert.Equal(size, NetworkCatalog.Build(name, new() { Preset = preset }).DefaultImageSize));
        Assert.Equal(size, NetworkSpec.FromJson(MobileNetV3SmallSpec.XSep(new() { Preset = preset }).ToJson()).DefaultImageSize);
    }

    private static float[] Logits(CompiledModel model)
    {
        using var session = model.CreateSession(1, 1, 32, 32);
        var logits = new float[10];
        session.Run(ModelFile.Images(model, 1, 32, 32), logits);
        return logits;
    }

    private string Refused(NetworkSpec spec, IEnumerable<SafeTensor> tensors)
    {
        ModelFile.Write(Path, spec, tensors);
        return Refusal();
    }

    private string Refusal() => Assert.Throws<InvalidDataException>(() => CompiledModel.Load(Path)).Message;
}

using System.Buffers.Binary;

namespace XSepConv.Runtime.Tests.Inference;

/// <summary>Models with INT8 weights, and what only looks like one.</summary>
public sealed class Int8FileTests : IDisposable
{
    private const string Weight = "linear3.weight", Scale = "linear3.weight_scale";

    private readonly ModelFile.Folder _folder = new();

    private string Path => _folder.File("model.safetensors");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Logits_are_those_of_integers_times_scales()
    {
        Write(Quantized());
        var model = CompiledModel.Load(Path);
        var logits = Logits(model);
        var before = model.WeightBytes;

        // The same numbers in F32.
        var values = Quantized().ToDictionary(tensor => tensor.Name);
        var wide = ModelFile.Tensors(ModelFile.Spec).Select(tensor =>
        {
            if (values[tensor.Name] is not { Type: SafeTensorType.I8 } stored) return tensor;
            var (scales, inputs) = (values[$"{tensor.Name}_scale"].Data, (int)tensor.Shape[1]);
            return ModelFile.Float32(tensor.Name, tensor.Shape, [.. stored.Data.ToArray().Select((integer, i) =>
                (sbyte)integer * BinaryPrimitives.ReadSingleLittleEndian(scales.Span[(i / inputs * 4)..]))]);
        });
        ModelFile.Write(Path, ModelFile.Spec, wide, ModelFile.Data);
        model = CompiledModel.Load(Path);
        var expected = Logits(model);
        Assert.All(expected.Zip(logits), pair => Assert.Equal(pair.First, pair.Second, 1e-5 * expected.Max(Math.Abs)));
        Assert.InRange(before, 1, model.WeightBytes - 1);
    }

    [Fact]
    public void More_values_than_an_array_of_float32_holds_are_refused_before_they_are_read()
    {
        const long Values = 1L << 29;
        var (header, metadata) = ("{\"w\":{\"dtype\":\"I8\",\"shape\":[" + Values + "],\"data_offsets\":[0," + Values + "]},", Metadata());
        byte[] text = [.. System.Text.Encoding.UTF8.GetBytes(header + metadata)];
        using (var file = File.Create(Path))
        {
            file.Write(BitConverter.GetBytes((long)text.Length));
            file.Write(text);
            file.SetLength(8 + text.Length + Values);
        }

        using var tensors = SafeTensors.Open(Path);
        var message = Assert.Throws<InvalidDataException>(() => new WeightFile(tensors, Path)).Message;
        Assert.Contains("'w' is I8 and has 536,870,912 values, at most 536,870,897 are read", message, StringComparison.Ordinal);

        static string Metadata() =>
            $"\"__metadata__\":{{\"{Int8Weights.MetadataKey}\":\"{Int8Weights.Meaning}\"}}}}";
    }

    [Fact]
    public void A_stream_is_read_alike()
    {
        Write(Quantized());
        using var stream = File.OpenRead(Path);
        Assert.Equal(Logits(CompiledModel.Load(Path)), Logits(CompiledModel.Load(stream, "it")));
    }

    // linear3 has 24 outputs of 40 inputs.
    [Theory]
    [InlineData(0f, "'linear3.weight_scale' has 0 at 23; scales are finite numbers above 0")]
    [InlineData(-0.5f, "'linear3.weight_scale' has -0.5 at 23; scales are finite numbers above 0")]
    [InlineData(float.NaN, "'linear3.weight_scale' has NaN at 23; scales are finite numbers above 0")]
    [InlineData(float.PositiveInfinity, "'linear3.weight_scale' has Infinity at 23; scales are finite numbers above 0")]
    [InlineData(3e38f, "'linear3.weight' has")]
    public void Scales_that_are_none_are_refused(float value, string because)
    {
        var tensors = Quantized();
        var scale = tensors.Single(tensor => tensor.Name == Scale);
        var bytes = scale.Data.ToArray();
        BinaryPrimitives.WriteSingleLittleEndian(bytes.AsSpan(4 * 23), value);
        Put(tensors, scale with { Data = bytes });
        Refused(tensors, because);
    }

    [Fact]
    public void Scales_of_another_shape_or_type_or_none_are_refused()
    {
        var tensors = Quantized();
        Put(tensors, ModelFile.Float32(Scale, [24], Ones(24)));
        Refused(tensors, "'linear3.weight_scale' is F32 of shape [24], the scales of 'linear3.weight' are F32 of shape [24, 1].");
        Put(tensors, ModelFile.Float32(Scale, [1, 24], Ones(24)));
        Refused(tensors, "'linear3.weight_scale' is F32 of shape [1, 24], the scales of 'linear3.weight' are F32 of shape [24, 1].");
        Put(tensors, ModelFile.Float32(Scale, [23, 1], Ones(23)));
        Refused(tensors, "'linear3.weight_scale' is F32 of shape [23, 1], the scales of 'linear3.weight' are F32 of shape [24, 1].");
        Put(tensors, new(Scale, SafeTensorType.F16, [24, 1], new byte[48]));
        Refused(tensors, "'linear3.weight_scale' is F16 of shape [24, 1], the scales of 'linear3.weight' are F32 of shape [24, 1].");
        tensors.RemoveAll(tensor => tensor.Name is Scale or "conv2.weight_scale");
        Refused(tensors, "'conv2.weight' is I8, and its scales 'conv2.weight_scale' are missing");
        Refused(tensors, "'linear3.weight' is I8, and its scales 'linear3.weight_scale' are missing");
    }

    [Fact]
    public void Bytes_of_what_has_no_outputs_are_refused()
    {
        var tensors = Quantized();
        Put(tensors, new("bn1.num_batches_tracked", SafeTensorType.I8, [], new byte[1]));
        Refused(tensors, "'bn1.num_batches_tracked' is I8 of shape [], weights have outputs");
    }

    [Fact]
    public void Scales_without_bytes_and_weights_of_another_shape_are_named_as_in_any_file()
    {
        var tensors = Quantized();
        Put(tensors, ModelFile.Tensors(ModelFile.Spec).Single(tensor => tensor.Name == Weight));
        Refused(tensors, "'linear3.weight_scale' is unexpected");
        tensors = Quantized();
        Put(tensors, new(Weight, SafeTensorType.I8, [24, 41], new byte[24 * 41]));
        Refused(tensors, "'linear3.weight' has shape [24, 41], the network's is [24, 40]");
    }

    [Fact]
    public void Bytes_without_the_word_that_they_have_scales_are_integers_and_refused()
    {
        ModelFile.Write(Path, ModelFile.Spec, Quantized());
        var message = Assert.Throws<InvalidDataException>(() => CompiledModel.Load(Path)).Message;
        const string Right = "has type I8, weights are F64, F32, F16 or BF16, or I8 where the metadata 'xsepconv.int8' says so";
        Assert.Contains(Right, message, StringComparison.Ordinal);
    }

    [Fact]
    public void Another_meaning_is_refused()
    {
        Write(Quantized(), "NAME * NAME_scale + NAME_zero");
        Assert.Equal(
            $"{Path}: the metadata 'xsepconv.int8' is 'NAME * NAME_scale + NAME_zero', known is 'NAME * NAME_scale'.",
            Assert.Throws<InvalidDataException>(() => CompiledModel.Load(Path)).Message);
    }

    [Fact]
    public void Any_damage_to_a_file_is_an_InvalidDataException_or_harmless()
    {
        Write(Quantized());
        DamagedFiles.RequireRefusedOrHarmless(Path);
    }

    private static List<SafeTensor> Quantized() => [.. StoredWeights.Of(ModelFile.Tensors(ModelFile.Spec), SafeTensorType.I8)];

    private static void Put(List<SafeTensor> tensors, SafeTensor tensor) =>
        tensors[tensors.FindIndex(there => there.Name == tensor.Name)] = tensor;

    private static float[] Ones(int count) => [.. Enumerable.Repeat(1f, count)];

    private static float[] Logits(CompiledModel model)
    {
        using var session = model.CreateSession(1, 1, 32, 32);
        var logits = new float[10];
        session.Run(ModelFile.Images(model, 1, 32, 32), logits);
        return logits;
    }

    private void Write(IEnumerable<SafeTensor> tensors, string meaning = Int8Weights.Meaning) => SafeTensors.Write(
        Path, tensors, new Dictionary<string, string>
        {
            [NetworkSpec.MetadataKey] = ModelFile.Spec.ToJson(),
            [DataSpec.MetadataKey] = ModelFile.Data.ToJson(),
            [Int8Weights.MetadataKey] = meaning,
        });

    private void Refused(IEnumerable<SafeTensor> tensors, string because)
    {
        Write(tensors);
        var message = Assert.Throws<InvalidDataException>(() => CompiledModel.Load(Path)).Message;
        Assert.StartsWith(Path, message, StringComparison.Ordinal);
        Assert.Contains(because, message, StringComparison.Ordinal);
    }
}

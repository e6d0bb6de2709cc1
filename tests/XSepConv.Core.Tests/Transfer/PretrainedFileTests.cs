namespace XSepConv.Core.Tests.Transfer;

/// <summary>Files that do not hold a model: all that is wrong is said at once.</summary>
public sealed class PretrainedFileTests : IDisposable
{
    private const PretrainedSource Source = PretrainedSource.TorchVision;
    private const string Model = "mobilenet_v2";
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Missing_extra_and_misshapen_tensors_are_all_listed()
    {
        var tensors = Tensors(Pretrained.Spec(Source, Model), Source);
        var removed = tensors.Where(tensor => tensor.Name.StartsWith("features.7.", StringComparison.Ordinal) && !tensor.Name.EndsWith("tracked", StringComparison.Ordinal)).ToList();
        var changed = tensors.First(tensor => tensor.Name == "features.1.conv.0.0.weight");
        SafeTensor[] extra = [.. Enumerable.Range(0, 15).Select(i => new SafeTensor($"extra.{i}", SafeTensorType.F32, [1], new byte[4]))];
        Write([.. tensors.Except(removed).Except([changed]), changed with { Shape = [1, 32, 3, 3] }, .. extra]);
        var message = Assert.Throws<InvalidDataException>(() => Open()).Message;
        Assert.All(removed, tensor => Assert.Contains($"\n- '{tensor.Name}' is missing", message, StringComparison.Ordinal));
        Assert.All(extra, tensor => Assert.Contains($"\n- '{tensor.Name}' is unexpected", message, StringComparison.Ordinal));
        Assert.Contains("'features.1.conv.0.0.weight' has shape [1, 32, 3, 3], the model's is [32, 1, 3, 3]", message, StringComparison.Ordinal);
        Assert.Contains($"{removed.Count + 1 + extra.Length} things are wrong", message, StringComparison.Ordinal);
        Assert.False(File.Exists(_folder.File("out")));
    }

    [Fact]
    public void Counters_may_be_missing()
    {
        Write([.. Tensors(Pretrained.Spec(Source, Model), Source).Where(tensor => !tensor.Name.EndsWith("num_batches_tracked", StringComparison.Ordinal))]);
        Pretrained.Import(_folder.File("in"), Source, Model, _folder.File("out"));
        using var network = MobileNet.FromSafeTensors(_folder.File("out"));
        Assert.Equal(0, network.get_buffer("bn1.num_batches_tracked")!.item<long>());
    }

    [Fact]
    public void Classes_and_channels_are_read_off_the_tensors()
    {
        var spec = Pretrained.Spec(Source, Model, new() { NumClasses = 7, InputChannels = 1 });
        Write(Tensors(spec, Source));
        Assert.Equal((7, 1), (Open().NumClasses, Open().InputChannels));
        var data = CompiledModel.Load(_folder.File("out")).Data!;
        Assert.Equal((1, 224, 7, "6"), (data.Channels, data.Height, data.Classes.Count, data.Classes[^1]));
    }

    [Fact]
    public void Images_that_no_description_may_have_are_refused_as_such()
    {
        Write(Tensors(Pretrained.Spec(Source, Model), Source));
        Assert.Contains("its images are 5400×224×224", Refusal(null, 5400), StringComparison.Ordinal);
        var data = new DataSpec("mine", false, [.. Enumerable.Range(0, 1000).Select(i => $"{i}")], [0, 0, 0], [1, 0, 1], 3, 224, 224);
        Assert.Contains("a standard deviation is not a finite number above 0", Refusal(data, null), StringComparison.Ordinal);
        Assert.False(File.Exists(_folder.File("out")));

        string Refusal(DataSpec? data, int? channels) => Assert.Throws<InvalidDataException>(
            () => Pretrained.Import(_folder.File("in"), Source, Model, _folder.File("out"), data, channels)).Message;
    }

    [Theory]
    [InlineData(SafeTensorType.BF16)]
    [InlineData(SafeTensorType.F16)]
    public void Weights_of_half_the_bytes_stay_so(SafeTensorType type)
    {
        var tensors = Tensors(Pretrained.Spec(Source, Model), Source);
        Write([.. tensors.Select(tensor => tensor.Type == SafeTensorType.I64 ? tensor : tensor with { Type = type, Data = tensor.Data[..(tensor.Data.Length / 2)] })]);
        Open();
        using (var file = SafeTensors.Open(_folder.File("out"))) Assert.Equal(type, file.Tensors["linear4.weight"].Type);
        using var network = MobileNet.FromPretrained(_folder.File("in"), Source, Model, inputChannels: 1);
        Assert.Equal(3, CompiledModel.Load(_folder.File("out")).Spec.InputChannels);
        Pretrained.Import(_folder.File("in"), Source, Model, _folder.File("grey"), inputChannels: 1);
        using var grey = SafeTensors.Open(_folder.File("grey"));
        Assert.Equal((SafeTensorType.F32, type), (grey.Tensors["conv1.weight"].Type, grey.Tensors["linear4.weight"].Type));
    }

    // Torchvision and timm write none; a network of this library is exported so after it was imported.
    [Fact]
    public void Bytes_are_refused_by_name()
    {
        var tensors = Tensors(Pretrained.Spec(Source, Model), Source);
        Write([.. StoredWeights.Of(tensors, SafeTensorType.I8)]);
        var message = Assert.Throws<InvalidDataException>(() => Open()).Message;
        Assert.Contains("' has type I8, weights are F64, F32, F16 or BF16", message, StringComparison.Ordinal);
        Assert.Contains("_scale' is unexpected", message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_model_that_a_file_holds_is_named()
    {
        Write(Tensors(Pretrained.Spec(PretrainedSource.Timm, "mobilenetv3_small_100"), PretrainedSource.Timm));
        Assert.Contains("It has the tensors of Timm's mobilenetv3_small_100.", Assert.Throws<InvalidDataException>(() => Open()).Message, StringComparison.Ordinal);
        Write([.. Tensors(Pretrained.Spec(Source, Model), Source).Select(tensor => tensor with { Name = "module." + tensor.Name })]);
        Assert.Contains("begin with 'module.'", Assert.Throws<InvalidDataException>(() => Open()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Values_that_no_weight_has_and_data_that_does_not_fit_are_refused()
    {
        var tensors = Tensors(Pretrained.Spec(Source, Model), Source);
        var variance = Array.FindIndex(tensors, tensor => tensor.Name == "features.0.1.running_var");
        Write([.. tensors.Select((tensor, i) => i == variance ? tensor with { Data = Enumerable.Repeat<byte>(0xBF, 4 * 32).ToArray() } : tensor)]);
        Assert.Contains("a variance is not negative", Assert.Throws<InvalidDataException>(() => Open()).Message, StringComparison.Ordinal);
        Assert.Contains("bn1.running_var", Assert.Throws<InvalidDataException>(() => MobileNet.FromPretrained(_folder.File("in"), Source, Model)).Message, StringComparison.Ordinal);

        Write(tensors);
        var data = new DataSpec("two", false, ["a", "b"], [0, 0, 0], [1, 1, 1], 3, 32, 32);
        Assert.Contains("1000", Assert.Throws<InvalidDataException>(() => Pretrained.Import(_folder.File("in"), Source, Model, _folder.File("out"), data)).Message, StringComparison.Ordinal);
        Assert.Contains("known are mobilenet_v3_small", Assert.Throws<ArgumentException>(() => Pretrained.Spec(Source, "resnet18")).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => Pretrained.Models((PretrainedSource)5));
    }

    [Fact]
    public void A_tag_of_timm_says_how_weights_were_trained_and_not_which_network_they_are() =>
        Assert.Equal(Pretrained.Spec(PretrainedSource.Timm, "mobilenetv3_small_100"), Pretrained.Spec(PretrainedSource.Timm, "mobilenetv3_small_100.lamb_in1k"));

    [Theory]
    [InlineData("mobilenet-v3-small", "mobilenet_v3_small", "mobilenetv3_small_100")]
    [InlineData("mobilenet-v3-large", "mobilenet_v3_large", "mobilenetv3_large_100")]
    [InlineData("mobilenet-v2", "mobilenet_v2", "mobilenetv2_100")]
    public void A_model_may_be_called_as_its_network_is_here(string here, string torchVision, string timm)
    {
        Assert.Equal(Pretrained.Spec(PretrainedSource.TorchVision, torchVision), Pretrained.Spec(PretrainedSource.TorchVision, here));
        Assert.Equal(Pretrained.Spec(PretrainedSource.Timm, timm), Pretrained.Spec(PretrainedSource.Timm, here));
        Assert.Throws<ArgumentException>(() => Pretrained.Spec(PretrainedSource.Timm, torchVision));
    }

    private NetworkSpec Open() => Pretrained.Import(_folder.File("in"), Source, Model, _folder.File("out"));

    private void Write(SafeTensor[] tensors) => SafeTensors.Write(_folder.File("in"), tensors);

    private static SafeTensor[] Tensors(NetworkSpec spec, PretrainedSource source) => [.. ForeignNames.Of(spec, source).Select(tensor =>
    {
        var isCounter = tensor.Shape.Length == 0;
        return new SafeTensor(
            tensor.Name, isCounter ? SafeTensorType.I64 : SafeTensorType.F32, [.. tensor.Shape],
            new byte[isCounter ? 8 : 4 * tensor.Shape.Aggregate(1L, (product, size) => product * size)]);
    })];
}

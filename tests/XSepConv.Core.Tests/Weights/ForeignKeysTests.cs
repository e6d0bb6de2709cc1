using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace XSepConv.Core.Tests.Weights;

/// <summary>Files of PyTorch's tools: without counters, with counters in floating point, with keys that a wrapper has prefixed.</summary>
public sealed class ForeignKeysTests : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();
    private readonly TemporaryFolder _folder = new();

    private string FilePath => _folder.File("weights.safetensors");

    public void Dispose()
    {
        _scope.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void A_file_without_counters_loads_and_they_are_told()
    {
        using var source = Network();
        var counters = source.state_dict().Keys.Where(key => key.EndsWith("num_batches_tracked", StringComparison.Ordinal)).ToList();
        Assert.NotEmpty(counters);
        WriteNetwork(source, ModuleState.Tensors(source).Where(tensor => !counters.Contains(tensor.Name)));

        using var module = Network();
        foreach (var counter in counters) module.state_dict()[counter].fill_(7);
        Assert.Equal(counters, module.LoadSafeTensors(FilePath).MissingKeys);
        Assert.All(counters, counter => Assert.Equal(7, module.state_dict()[counter].item<long>()));
        Assert.Equal(Values(source, counters), Values(module, counters));

        using var built = MobileNet.FromSafeTensors(FilePath);
        Assert.Equal(Values(source, counters), Values(built, counters));
        Assert.Equal(source.Spec, CompiledModel.Load(FilePath).Spec);
    }

    [Theory]
    [InlineData(SafeTensorType.F32)]
    [InlineData(SafeTensorType.F64)]
    [InlineData(SafeTensorType.F16)]
    [InlineData(SafeTensorType.BF16)]
    public void Counters_that_are_whole_numbers_in_floating_point_load_and_are_told(SafeTensorType type)
    {
        using var source = new SeModule(8);
        WriteCounters(source, type, 96);
        using var module = new SeModule(8);
        Assert.Equal(["se.2.num_batches_tracked", "se.5.num_batches_tracked"], module.LoadSafeTensors(FilePath).ConvertedKeys);
        Assert.Equal(96, module.state_dict()["se.5.num_batches_tracked"].item<long>());
        Assert.Equal(ScalarType.Int64, module.state_dict()["se.5.num_batches_tracked"].dtype);
    }

    [Theory]
    [InlineData(0.5)]
    [InlineData(double.NaN)]
    [InlineData(double.PositiveInfinity)]
    [InlineData(1e30)]
    public void Counters_that_are_no_whole_numbers_are_refused_by_value(double value)
    {
        using var source = new SeModule(8);
        WriteCounters(source, SafeTensorType.F64, value);
        using var module = new SeModule(8);
        var e = Assert.Throws<InvalidDataException>(() => module.LoadSafeTensors(FilePath));
        Assert.Contains("'se.2.num_batches_tracked' has type F64 and ", e.Message);
        Assert.Contains(FormattableString.Invariant($"{value} at 0"), e.Message);
    }

    [Fact]
    public void Numbers_that_a_narrower_type_can_t_hold_are_refused_and_rounding_is_not()
    {
        using var module = nn.Linear(2, 1, hasBias: false);
        Write(1.1, 1e300);
        Assert.Contains("'weight' has type F64 and 1E+300 at 1", Assert.Throws<InvalidDataException>(() => module.LoadSafeTensors(FilePath)).Message);
        Write(1.1, double.PositiveInfinity);
        module.LoadSafeTensors(FilePath);
        Assert.Equal([(float)1.1, float.PositiveInfinity], module.weight.data<float>().ToArray());

        void Write(params double[] values) => SafeTensors.Write(FilePath, [new SafeTensor("weight", SafeTensorType.F64, [1, 2], MemoryMarshal.AsBytes(values.AsSpan()).ToArray())]);
    }

    [Theory]
    [InlineData("module.", "DataParallel")]
    [InlineData("_orig_mod.", "torch.compile")]
    [InlineData("model.backbone.", "'model.backbone.'")]
    public void A_prefix_is_named_with_what_to_do_and_can_be_taken_off(string prefix, string because)
    {
        using var source = Network();
        WriteNetwork(source, ModuleState.Tensors(source).Select(tensor => tensor with { Name = prefix + tensor.Name }));
        using var module = Network();
        var e = Assert.Throws<InvalidDataException>(() => module.LoadSafeTensors(FilePath));
        Assert.Contains($"Prefix = \"{prefix}\"", e.Message);
        Assert.Contains(because, e.Message);
        foreach (var load in new Action[] { () => MobileNet.FromSafeTensors(FilePath), () => CompiledModel.Load(FilePath) })
        {
            Assert.Contains($"'{prefix}'", Assert.Throws<InvalidDataException>(load).Message);
        }

        var options = new SafeTensorsLoadOptions { Prefix = prefix };
        Assert.Empty(module.LoadSafeTensors(FilePath, options).MissingKeys);
        Assert.Equal(Values(source, []), Values(module, []));
        using var built = MobileNet.FromSafeTensors(FilePath, options);
        Assert.Equal(Values(source, []), Values(built, []));
    }

    [Fact]
    public void A_module_that_wraps_what_the_file_holds_is_told_so()
    {
        using var source = new XSepConv2d(8, 3);
        source.SaveSafeTensors(FilePath);
        using var wrapped = nn.Sequential(("op", new XSepConv2d(8, 3)));
        Assert.Contains("module's keys begin with 'op.'", Assert.Throws<InvalidDataException>(() => wrapped.LoadSafeTensors(FilePath)).Message);
        wrapped.LoadSafeTensors(FilePath, new SafeTensorsLoadOptions { Rename = key => "op." + key });
        Assert.Equal(Values(source, []), Values(wrapped, []));
    }

    [Fact]
    public void Even_without_strict_a_file_of_which_nothing_fits_is_refused()
    {
        using var source = nn.Sequential(("module", nn.Linear(3, 4)));
        source.SaveSafeTensors(FilePath);
        using var module = nn.Linear(3, 4);
        var message = Assert.Throws<InvalidDataException>(() => module.LoadSafeTensors(FilePath, strict: false)).Message;
        Assert.Contains("none of its 2 keys, such as 'module.bias', is one of the module's, such as 'weight'".Replace("module.bias", FirstKey(), StringComparison.Ordinal), message);
        Assert.Contains("Prefix = \"module.\"", message);

        string FirstKey()
        {
            using var file = SafeTensors.Open(FilePath);
            return file.Tensors.Keys.First();
        }
    }

    [Fact]
    public void Tensors_are_renamed_and_left_out_one_by_one()
    {
        using var source = nn.Sequential(("stem", nn.Linear(3, 4)), ("old_head", nn.Linear(4, 9)));
        source.SaveSafeTensors(FilePath);
        using var module = nn.Sequential(("first", nn.Linear(3, 4)), ("head", nn.Linear(4, 2)));
        var options = new SafeTensorsLoadOptions
        {
            Strict = false,
            Rename = key => key.StartsWith("old_head", StringComparison.Ordinal) ? null : key.Replace("stem", "first", StringComparison.Ordinal),
        };
        var difference = module.LoadSafeTensors(FilePath, options);
        Assert.Equal(["head.weight", "head.bias"], difference.MissingKeys);
        Assert.Empty(difference.UnexpectedKeys);
        Assert.Equal(source.state_dict()["stem.weight"].data<float>().ToArray(), module.state_dict()["first.weight"].data<float>().ToArray());
    }

    [Fact]
    public void Names_that_meet_and_prefixes_that_are_nowhere_are_refused()
    {
        using var module = nn.Linear(3, 4);
        module.SaveSafeTensors(FilePath);
        var meeting = new SafeTensorsLoadOptions { Rename = _ => "weight" };
        var e = Assert.Throws<InvalidDataException>(() => module.LoadSafeTensors(FilePath, meeting));
        Assert.Contains("are both renamed to 'weight'", e.Message);
        Assert.Contains("'model.'", Assert.Throws<InvalidDataException>(() => module.LoadSafeTensors(FilePath, new SafeTensorsLoadOptions { Prefix = "model." })).Message);
    }

    [Fact]
    public void Lists_stop_after_ten_with_a_count()
    {
        using var source = nn.Linear(3, 4);
        source.SaveSafeTensors(FilePath);
        using var network = Network();
        var keys = network.state_dict().Keys.ToList();
        var message = Assert.Throws<InvalidDataException>(() => network.LoadSafeTensors(FilePath)).Message;
        Assert.InRange(message.Length, 1, 1500);

        // Every key but the counters is missing, 'weight' and 'bias' are unexpected, ten are shown.
        var counters = keys.Count(key => key.EndsWith("num_batches_tracked", StringComparison.Ordinal));
        Assert.Contains($"and {keys.Count - counters + 2 - 10:N0} more", message);
        Assert.Equal(10, message.Split("' is missing").Length - 1);
    }

    [Fact]
    public void A_name_with_terminal_codes_stays_out_of_the_message()
    {
        SafeTensors.Write(FilePath, [new SafeTensor("\u001b[2Jweight", SafeTensorType.F32, [], new byte[4])]);
        using var module = nn.Linear(3, 4);
        Assert.DoesNotContain(Assert.Throws<InvalidDataException>(() => module.LoadSafeTensors(FilePath)).Message, char.IsControl);
    }

    private static XSepMobileNetV3Small Network() => new(new MobileNetV3Options { NumClasses = 3, Preset = ImagePreset.Cifar, Width = 0.1 });

    private static List<double> Values(nn.Module module, List<string> without) =>
        [.. module.state_dict().Where(entry => !without.Contains(entry.Key)).SelectMany(entry => entry.Value.to(float64).flatten().data<double>().ToArray())];

    private void WriteNetwork(MobileNet network, IEnumerable<SafeTensor> tensors) =>
        SafeTensors.Write(FilePath, tensors, new Dictionary<string, string> { [NetworkSpec.MetadataKey] = network.Spec.ToJson() });

    private void WriteCounters(nn.Module module, SafeTensorType type, double value)
    {
        byte[] bytes = type switch
        {
            SafeTensorType.F64 => BitConverter.GetBytes(value),
            SafeTensorType.F32 => BitConverter.GetBytes((float)value),
            SafeTensorType.F16 => BitConverter.GetBytes((Half)value),
            _ => BitConverter.GetBytes((ushort)(BitConverter.SingleToUInt32Bits((float)value) >> 16)),
        };
        SafeTensors.Write(FilePath, ModuleState.Tensors(module).Select(tensor =>
            tensor.Name.EndsWith("num_batches_tracked", StringComparison.Ordinal) ? tensor with { Type = type, Data = bytes } : tensor));
    }
}

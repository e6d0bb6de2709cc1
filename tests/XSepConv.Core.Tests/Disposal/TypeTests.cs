using TorchSharp;
using static TorchSharp.torch;

namespace XSepConv.Core.Tests.Disposal;

/// <summary>Modules work in every floating-point type, whether built in it or moved to it.</summary>
public sealed class TypeTests : IDisposable
{
    private readonly int _threads = get_num_threads();

    // Maps of a few pixels: a second thread has nothing to do but to wait, and on a busy machine is waited for, 50 ms a step instead of 2.
    public TypeTests() => set_num_threads(1);

    public void Dispose() => set_num_threads(_threads);

    public static TheoryData<string, ScalarType> Cases()
    {
        var cases = new TheoryData<string, ScalarType>();
        foreach (var module in new[] { "XSepBlock", "XSepBlock before", "SepBlock", "DwBlock", "SeModule", "XSepConv2d", "MobileNet" })
        {
            foreach (var type in new[] { ScalarType.Float64, ScalarType.BFloat16, ScalarType.Float16 }) cases.Add(module, type);
        }

        return cases;
    }

    private static nn.Module<Tensor, Tensor> Create(string module, ScalarType? type = null) => module switch
    {
        "XSepBlock" => new XSepBlock(3, 8, 16, 12, PaddingDirection.Symmetric, dtype: type),
        "XSepBlock before" => new XSepBlock(3, 8, 16, 8, PaddingDirection.RightTop, stride: 2, placement: PaddingPlacement.BeforeExpand, dtype: type),
        "SepBlock" => new SepBlock(new(BlockKind.Sep, 5, 8, 16, 12, Activation.HSwish, SqueezeExcite.Expanded, 1), dtype: type),
        "DwBlock" => new DwBlock(5, 8, 16, 12, dtype: type),
        "SeModule" => new SeModule(8, dtype: type),
        "XSepConv2d" => new XSepConv2d(8, 5, stride: 2, padding: PaddingDirection.Symmetric, dtype: type),
        _ => new XSepMobileNetV3Small(new MobileNetV3Options { InputChannels = 8, Width = 0.1, NumClasses = 3, Preset = ImagePreset.Cifar }, dtype: type),
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public void A_module_moved_to_a_type_computes_what_it_computed(string name, ScalarType type)
    {
        using var scope = NewDisposeScope();
        random.manual_seed(1);
        var module = Create(name);
        var x = randn(4, 8, 6, 6);

        // A few steps of statistics, so that batch norm is not the identity.
        for (var i = 0; i < 3; i++) module.call(x);
        module.eval();
        var expected = module.call(x).to(float64);
        module.to(type);
        Assert.All(module.parameters(), parameter => Assert.Equal(type, parameter.dtype));
        var actual = module.call(x.to(type));
        Assert.Equal(type, actual.dtype);

        // Errors relative to the largest value. float32 keeps 24 bits and the deepest chain here rounds about 50 times: 100 · 2⁻²⁴. bfloat16 keeps 8 bits
        // and float16 11; their roundings add up like noise, not in a row: √50 · 2⁻⁸ ≈ 3 %, doubled for the weights' own rounding, doubled for the tail.
        var tolerance = type switch { ScalarType.Float64 => 1e-5, ScalarType.Float16 => 0.015, _ => 0.12 };
        var error = ((actual.to(float64) - expected).abs().max() / expected.abs().max()).item<double>();
        Assert.InRange(error, 0, tolerance);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void A_module_built_in_a_type_trains_in_it(string name, ScalarType type)
    {
        using var scope = NewDisposeScope();
        random.manual_seed(2);
        var module = Create(name, type);
        module.train();
        var y = module.call(randn(4, 8, 6, 6).to(type));
        Assert.Equal(type, y.dtype);
        y.to(float32).square().mean().backward();
        Assert.All(module.named_parameters(), entry =>
        {
            Assert.Equal(type, entry.parameter.dtype);
            Assert.Equal(type, entry.parameter.grad!.dtype);
            Assert.True(entry.parameter.grad.isfinite().all().item<bool>(), entry.name);
        });
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void A_file_in_another_type_is_converted_and_one_in_the_same_type_is_exact(string name, ScalarType type)
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        nn.Module<Tensor, Tensor> source = Create(name, type), same = Create(name, type), single = Create(name);
        SafeTensorsExtensions.SaveSafeTensors(source, folder.File("weights.safetensors"));
        same.LoadSafeTensors(folder.File("weights.safetensors"));
        single.LoadSafeTensors(folder.File("weights.safetensors"));
        foreach (var (key, value) in source.state_dict())
        {
            Assert.True(value.equal(same.state_dict()[key]).all().item<bool>(), key);
            var converted = single.state_dict()[key];
            Assert.True(converted.equal(value.to(converted.dtype)).all().item<bool>(), key);
        }
    }
}

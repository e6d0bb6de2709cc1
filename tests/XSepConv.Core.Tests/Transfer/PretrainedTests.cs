using System.Globalization;
using XSepConv.Core.Tests.Parity;
using XSepConv.Kernels;
using static TorchSharp.torch;

namespace XSepConv.Core.Tests.Transfer;

/// <summary>Weights under the names of torchvision and timm give the logits of torchvision's networks.</summary>
public sealed class PretrainedTests(TorchVisionWeights weights) : IClassFixture<TorchVisionWeights>
{
    // Of the largest logit. Two float64 runs of some sixty layers; batch norms over few values amplify in training mode.
    private const double Float64 = 1e-11, Statistics = 1e-8, Float32 = 1e-5;

    public static TheoryData<PretrainedSource, string> Models
    {
        get
        {
            var models = new TheoryData<PretrainedSource, string>();
            foreach (var source in Enum.GetValues<PretrainedSource>())
            {
                foreach (var model in Pretrained.Models(source)) models.Add(source, model);
            }

            return models;
        }
    }

    [Theory]
    [MemberData(nameof(Models))]
    public void Modules_and_runtime_give_the_logits_of_torchvision(PretrainedSource source, string model)
    {
        weights.Require();
        using var oneThread = new OneThread();
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var answers = weights.Answers(source, model);
        var (images, logits) = (answers["images"], answers["logits"]);
        var path = weights.File(source, model);
        using var network = MobileNet.FromPretrained(path, source, model, dtype: float64);
        network.eval();
        Close("float64", logits, network.call(images), Float64);

        using var single = MobileNet.FromPretrained(path, source, model);
        single.eval();
        Close("float32", logits, single.call(images.to(float32)).to(float64), Float32);

        var file = weights.New($"{model}.imported");
        var spec = Pretrained.Import(path, source, model, file);
        Assert.Equal(network.Spec, spec);
        using var checkpoint = MobileNet.FromSafeTensors(file, dtype: float64);
        checkpoint.eval();
        Close("checkpoint", logits, checkpoint.call(images), Float64);

        var pixels = images.to(float32).contiguous().data<float>().ToArray();
        foreach (var kernel in KernelRegistry.Available.Select(kernels => kernels.Name))
        {
            var compiled = CompiledModel.Load(file, kernel);
            Assert.Equal((1000, "7"), (compiled.Data!.Classes.Count, compiled.Data.Classes[7]));
            using var session = compiled.CreateSession(3, 1, 96, 64);
            var result = new float[3 * 1000];
            session.Run(pixels, result);
            Close(kernel, logits, tensor(result).view(3, -1).to(float64), Float32);
        }
    }

    // What eps and momentum are shows in the running statistics after a step.
    [Theory]
    [MemberData(nameof(Models))]
    public void A_forward_in_training_moves_the_statistics_as_theirs(PretrainedSource source, string model)
    {
        weights.Require();
        using var oneThread = new OneThread();
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var answers = weights.Answers(source, model);
        using var network = MobileNet.FromPretrained(weights.File(source, model), source, model, dtype: float64);
        network.train();
        network.call(answers["images"]);
        var state = network.state_dict();
        var statistics = ForeignNames.Of(network.Spec, source).Where(tensor => tensor.Key.Contains("running", StringComparison.Ordinal)).ToList();
        Assert.Equal(statistics.Count, answers.Keys.Count(key => key.StartsWith("running/", StringComparison.Ordinal)));
        foreach (var tensor in statistics) Close(tensor.Key, answers[$"running/{tensor.Name}"], state[tensor.Key], Statistics);
    }

    [Fact]
    public void Every_width_has_the_names_and_shapes_of_torchvision()
    {
        weights.Require();
        foreach (var (which, tensors) in weights.Shapes())
        {
            var (model, width) = (which.Split(' ')[0], double.Parse(which.Split(' ')[1], CultureInfo.InvariantCulture));
            var spec = Pretrained.Spec(PretrainedSource.TorchVision, model, new() { Width = width });
            Assert.Equal(
                tensors.Select(tensor => $"{which} {tensor[0].GetString()} {string.Join('×', tensor[1].EnumerateArray().Select(size => size.GetInt64()))}"),
                ForeignNames.Of(spec, PretrainedSource.TorchVision).Select(tensor => $"{which} {tensor.Name} {string.Join('×', tensor.Shape)}"));
        }
    }

    // The tensors of timm's networks have these names, and each goes to one here of as many values.
    [Theory]
    [MemberData(nameof(Models))]
    public void Names_go_one_to_one(PretrainedSource source, string model)
    {
        weights.Require();
        using var file = SafeTensors.Open(weights.File(source, model));
        var spec = Pretrained.Spec(source, model);
        var names = ForeignNames.Of(spec, source);
        Assert.Equal(
            file.Tensors.Values.Select(tensor => $"{tensor.Name} {string.Join('×', tensor.Shape)}").Order(StringComparer.Ordinal),
            names.Select(tensor => $"{tensor.Name} {string.Join('×', tensor.Shape)}").Order(StringComparer.Ordinal));
        using var network = new MobileNet(spec);
        Assert.Equal(network.state_dict().Keys.Order(StringComparer.Ordinal), names.Select(tensor => tensor.Key).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Parameters_are_those_that_torchvision_publishes()
    {
        Assert.Equal(2_542_856, PublishedSpec.MobileNetV3Small().ParameterCount());
        Assert.Equal(5_483_032, PublishedSpec.MobileNetV3Large().ParameterCount());
        Assert.Equal(3_504_872, PublishedSpec.MobileNetV2().ParameterCount());
    }

    private static void Close(string what, Tensor expected, Tensor actual, double tolerance)
    {
        Assert.Equal(expected.shape, actual.shape);
        var (scale, difference) = (expected.abs().max().item<double>(), (expected - actual).abs().max().item<double>());
        Assert.True(difference <= tolerance * scale, $"{what}: off by {difference:E2} of {scale:E2}, allowed is {tolerance:E0} of it");
    }
}

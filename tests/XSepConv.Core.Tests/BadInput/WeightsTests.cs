using System.Text;
using TorchSharp;
using static TorchSharp.torch;

namespace XSepConv.Core.Tests.BadInput;

/// <summary>Files that do not fit. A module changes only when all of a file fits.</summary>
public sealed class WeightsTests : IDisposable
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
    public void Missing_unexpected_and_wrongly_shaped_keys_are_all_listed_and_nothing_changes()
    {
        var module = new SeModule(8);
        var tensors = Saved(module).Where(tensor => tensor.Name is not ("se.1.weight" or "se.5.bias")).Select(tensor => tensor.Name switch
        {
            "se.2.weight" => tensor with { Shape = [1, 2] },
            "se.4.weight" => tensor with { Shape = [8, 2] },
            "se.2.num_batches_tracked" => tensor with { Type = SafeTensorType.F64, Data = BitConverter.GetBytes(0.5) },
            _ => tensor,
        }).ToList();
        tensors.Add(new("se.1.bias", SafeTensorType.F32, [2], new byte[8]));
        tensors.Add(new("module.se.1.weight", SafeTensorType.F32, [], new byte[4]));
        SafeTensors.Write(FilePath, tensors);

        var before = Values(module);
        var e = Assert.Throws<InvalidDataException>(() => module.LoadSafeTensors(FilePath));
        foreach (var part in new[]
        {
            FilePath, "SeModule", "'se.1.weight' is missing", "'se.5.bias' is missing", "'se.1.bias' is unexpected", "'module.se.1.weight' is unexpected",
            "'se.2.weight' has shape [1, 2], the module's is [2]", "'se.4.weight' has shape [8, 2], the module's is [8, 2, 1, 1]", "'se.2.num_batches_tracked' has type F64",
        })
        {
            Assert.Contains(part, e.Message);
        }

        Assert.Equal(before, Values(module));
    }

    [Fact]
    public void Without_strict_missing_and_unexpected_keys_are_told_but_wrong_shapes_still_refused()
    {
        var source = new SeModule(8);
        var tensors = Saved(source).Where(tensor => tensor.Name != "se.1.weight").Append(new("extra", SafeTensorType.F32, [], new byte[4])).ToList();
        SafeTensors.Write(FilePath, tensors);
        var module = new SeModule(8);
        var difference = module.LoadSafeTensors(FilePath, strict: false);
        Assert.Equal(["se.1.weight"], difference.MissingKeys);
        Assert.Equal(["extra"], difference.UnexpectedKeys);
        Assert.True(module.state_dict()["se.4.weight"].equal(source.state_dict()["se.4.weight"]).all().item<bool>());
        Assert.False(module.state_dict()["se.1.weight"].equal(source.state_dict()["se.1.weight"]).all().item<bool>());

        var larger = new SeModule(16);
        var before = Values(larger);
        Assert.Contains("'se.4.weight' has shape [8, 2, 1, 1]", Assert.Throws<InvalidDataException>(() => larger.LoadSafeTensors(FilePath, strict: false)).Message);
        Assert.Equal(before, Values(larger));
    }

    [Fact]
    public void Truncated_and_foreign_files_are_refused_as_what_they_are()
    {
        var module = new SeModule(8);
        module.SaveSafeTensors(FilePath);
        var whole = File.ReadAllBytes(FilePath);
        var before = Values(module);
        byte[][] broken = [[], whole[..4], whole[..100], whole[..^1], [.. whole, 0], [0x50, 0x4B, 3, 4, .. new byte[200]], Encoding.ASCII.GetBytes("not weights at all, but text")];
        foreach (var bytes in broken)
        {
            File.WriteAllBytes(FilePath, bytes);
            Assert.Contains(FilePath, Assert.Throws<InvalidDataException>(() => module.LoadSafeTensors(FilePath)).Message);
            Assert.Contains(FilePath, Assert.Throws<InvalidDataException>(() => MobileNet.FromSafeTensors(FilePath)).Message);
        }

        Assert.Equal(before, Values(module));
        Assert.Throws<FileNotFoundException>(() => module.LoadSafeTensors(_folder.File("none.safetensors")));
        Assert.Throws<FileNotFoundException>(() => MobileNet.FromSafeTensors(_folder.File("none.safetensors")));
    }

    [Fact]
    public void A_file_that_does_not_say_which_network_it_holds_is_sent_to_LoadSafeTensors()
    {
        new SeModule(8).SaveSafeTensors(FilePath);
        var e = Assert.Throws<InvalidDataException>(() => MobileNet.FromSafeTensors(FilePath));
        Assert.Contains(NetworkSpec.MetadataKey, e.Message);
        Assert.Contains("LoadSafeTensors", e.Message);
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("{\"name\":\"x\"}")]
    [InlineData("[[[[")]
    public void A_description_that_is_none_is_refused(string description)
    {
        SafeTensors.Write(FilePath, [], new Dictionary<string, string> { [NetworkSpec.MetadataKey] = description });
        var e = Assert.Throws<InvalidDataException>(() => MobileNet.FromSafeTensors(FilePath));
        Assert.Contains(FilePath, e.Message);
        Assert.Contains("description", e.Message);
    }

    [Fact]
    public void A_description_of_a_network_far_larger_than_the_file_is_refused_before_it_is_built()
    {
        var row = new BlockSpec(BlockKind.XSep, 255, 65_536, 65_536, 65_536, Activation.ReLU, SqueezeExcite.Expanded, 1);
        var spec = new NetworkSpec { Name = "huge", StemChannels = 65_536, Blocks = [.. Enumerable.Repeat(row, 1_024)], LastChannels = 65_536, HiddenFeatures = 65_536 };
        SafeTensors.Write(FilePath, [], new Dictionary<string, string> { [NetworkSpec.MetadataKey] = spec.ToJson() });

        // More than 1,024 · 2 · 65,536² values: 32 TiB of weights.
        Assert.Contains("holds only 0 values", Assert.Throws<InvalidDataException>(() => MobileNet.FromSafeTensors(FilePath)).Message);
    }

    [Fact]
    public void A_file_whose_tensors_are_of_another_network_than_it_says_is_refused_with_its_differences()
    {
        MobileNetV3Options options = new() { Width = 0.1, NumClasses = 3, Preset = ImagePreset.Cifar };
        var network = new XSepMobileNetV3Small(options);
        SafeTensors.Write(FilePath, Saved(network), new Dictionary<string, string> { [NetworkSpec.MetadataKey] = MobileNetV3SmallSpec.Twin(options).ToJson() });
        var e = Assert.Throws<InvalidDataException>(() => MobileNet.FromSafeTensors(FilePath));
        Assert.Matches("and [0-9]+ more", e.Message);
        Assert.Contains("'bneck.4.conv2.weight' has shape [8, 1, 2, 2]".Replace("8", $"{MobileNetV3SmallSpec.XSep(options).Blocks[4].Expand}"), e.Message);
    }

    private List<SafeTensor> Saved(nn.Module module)
    {
        var path = _folder.File("source.safetensors");
        module.SaveSafeTensors(path);
        using var file = SafeTensors.Open(path);
        return [.. file.Tensors.Values.Select(info => new SafeTensor(info.Name, info.Type, info.Shape, file.ReadBytes(info.Name)))];
    }

    private static List<double> Values(nn.Module module) =>
        [.. module.state_dict().Values.SelectMany(tensor => tensor.to(float64).flatten().data<double>().ToArray())];
}

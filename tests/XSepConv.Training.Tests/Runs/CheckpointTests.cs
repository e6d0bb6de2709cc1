namespace XSepConv.Training.Tests;

[Collection(TorchTests.Name)]
public sealed class CheckpointTests : IDisposable
{
    private readonly RunFolder _run = new();

    public void Dispose() => _run.Dispose();

    [Theory]
    [InlineData("last.safetensors", 2)]
    [InlineData("best.safetensors", 0)]
    public void The_file_alone_says_what_it_holds(string name, int epoch)
    {
        var result = _run.Run(_run.Options.By(recipe => recipe with { Epochs = 2 }));
        using var checkpoint = Checkpoint.Load(Path.Combine(_run.Path, name));
        Assert.Equal(TorchTests.Spec(), checkpoint.Spec);
        Assert.Equal(RunFolder.Data.ClassNames, checkpoint.ClassNames);
        Assert.Equal(RunFolder.Data.Normalization, checkpoint.Normalization);
        Assert.Equal(("shapes", true, (3, 32, 32)), (checkpoint.DataName, checkpoint.IsSynthetic, checkpoint.ImageShape));
        Assert.Equal(epoch == 0 ? result.BestEpoch : epoch, checkpoint.Epoch);
        Assert.False(checkpoint.Network.training);
    }

    [Fact]
    public void The_best_file_has_weights_only_and_the_last_file_velocities_too()
    {
        _run.Run(_run.Options.By(recipe => recipe with { Epochs = 1 }));
        using var best = SafeTensors.Open(_run.Best);
        using var last = SafeTensors.Open(_run.Last);
        Assert.DoesNotContain(best.Tensors.Keys, name => name.Contains('/', StringComparison.Ordinal));
        var parameters = best.Tensors.Keys.Where(
            name => !name.Contains("running_", StringComparison.Ordinal)
                && !name.EndsWith("num_batches_tracked", StringComparison.Ordinal));
        Assert.Equal(
            parameters.Select(name => "training/momentum/" + name).Order(), last.Tensors.Keys.Where(
                name => name.Contains('/', StringComparison.Ordinal)).Order());
        Assert.Equal("pt", best.Metadata["format"]);
        Assert.False(best.Metadata.ContainsKey("xsepconv.training"));
    }

    [Fact]
    public void A_file_of_weights_without_data_is_refused()
    {
        using var network = new MobileNet(TorchTests.Spec());
        using var folder = new TemporaryFolder();
        network.SaveSafeTensors(folder.At("weights.safetensors"));
        Assert.Contains(
            "is not a checkpoint of this trainer", Assert.Throws<InvalidDataException>(
                () => Checkpoint.Load(folder.At("weights.safetensors"))).Message, StringComparison.Ordinal);
        Assert.Throws<FileNotFoundException>(() => Checkpoint.Load(folder.At("none.safetensors")));
    }

    [Theory]
    [InlineData("not json")]
    [InlineData("null")]
    [InlineData("""{"name":"x"}""")]
    [InlineData("""{"name":"x","synthetic":false,"classes":["a"],"mean":[0.5],"std":[0],"channels":1,"height":2,"width":2}""")]
    [InlineData("""{"name":"x","synthetic":false,"classes":["a"],"mean":[0.5],"std":[1],"channels":1,"height":2,"width":2}""")]
    public void Damaged_metadata_is_refused_with_the_file(string json)
    {
        using var network = new MobileNet(TorchTests.Spec());
        using var folder = new TemporaryFolder();
        var path = folder.At("x.safetensors");
        network.SaveSafeTensors(path, new Dictionary<string, string> { ["xsepconv.data"] = json });
        Assert.Contains(path, Assert.Throws<InvalidDataException>(() => Checkpoint.Load(path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Damaged_bytes_are_refused()
    {
        _run.Run(_run.Options.By(recipe => recipe with { Epochs = 1 }));
        var good = File.ReadAllBytes(_run.Best);
        var random = new Random(11);
        var headerEnd = 8 + (int)BitConverter.ToInt64(good);
        var path = Path.Combine(_run.Path, "damaged.safetensors");
        const int Cases = 60;
        var loaded = new int[4];
        for (var i = 0; i < Cases; i++)
        {
            var bad = good.ToArray();
            bad[random.Next(i % 4 == 1 ? bad.Length : headerEnd)] = (byte)random.Next(256);
            File.WriteAllBytes(path, i % 4 == 0 ? bad[..random.Next(bad.Length)] : bad);
            try
            {
                // Another weight, or another digit in a name or a mean, may make sense; anything else has to be an InvalidDataException.
                Checkpoint.Load(path).Dispose();
                loaded[i % 4]++;
            }
            catch (InvalidDataException)
            {
            }
        }

        // Every fourth file is cut short, every fourth has another byte that mostly is a weight's, two have one in their header.
        Assert.Equal(0, loaded[0]);
        Assert.InRange(loaded[1], 1, Cases / 4);
        Assert.InRange(loaded[2] + loaded[3], 0, Cases / 8);
    }
}

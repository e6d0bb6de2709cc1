using System.Globalization;
using static TorchSharp.torch;

namespace XSepConv.Training.Tests;

/// <summary>Runs that start from a checkpoint: what they take of it, what stays, and what each layer's learning rate is.</summary>
[Collection(TorchTests.Name)]
public sealed class StartTests : IDisposable
{
    private readonly RunFolder _run = new();
    private readonly TemporaryFolder _folder = new();

    private string File4 => _folder.At("four.safetensors");

    public void Dispose()
    {
        _run.Dispose();
        _folder.Dispose();
    }

    public static TheoryData<OptimizerKind, double> Optimizers => new() { { OptimizerKind.Sgd, 0 }, { OptimizerKind.Sgd, 0.9 },
        { OptimizerKind.AdamW, 0.9 } };

    [Theory]
    [MemberData(nameof(Optimizers))]
    public void Frozen_stages_are_the_files_to_the_bit_and_the_rest_has_learned(OptimizerKind optimizer, double average)
    {
        var began = Write(TorchTests.Spec(classes: 4));
        var options = Options().By(recipe => recipe with { Optimizer = optimizer, WeightDecay = 0.1, EmaDecay = average });
        Assert.True(_run.Run(options with { FrozenStages = 2 }).Completed);
        foreach (var path in new[] { _run.Last, _run.Best })
        {
            using var file = SafeTensors.Open(path);
            foreach (var (key, bytes) in began)
            {
                // The maps of 1/2 and 1/4: the stem, and all that comes before the means.
                var isFrozen = new[] { "conv1.", "bn1.", "bneck.", "conv2.", "bn2." }.Any(part =>
                    key.StartsWith(part, StringComparison.Ordinal));
                if (key.StartsWith("linear4", StringComparison.Ordinal)) Assert.Equal(10, file.Tensors[key].Shape[0]);
                else Assert.True(isFrozen == bytes.AsSpan().SequenceEqual(file.ReadBytes(key)), key);
            }

            // What does not learn is not remembered.
            Assert.DoesNotContain(file.Tensors.Keys, name => name.StartsWith("training/momentum/bneck", StringComparison.Ordinal)
                || name.StartsWith("training/adam/first/conv1", StringComparison.Ordinal));
        }
    }

    [Fact]
    public void All_but_a_classifier_of_other_classes_is_the_files_before_the_first_step()
    {
        var began = Write(TorchTests.Spec(classes: 4));
        using var network = TrainingStart.Build(Options(), CPU, RunFolder.Data.ClassNames);
        Assert.Equal(10, network.Spec.NumClasses);
        Assert.All(Bytes(network).Where(at => !at.Key.StartsWith("linear4", StringComparison.Ordinal)), at =>
            Assert.Equal(began[at.Key], at.Value));

        var same = Write(TorchTests.Spec(classes: 10));
        using var whole = TrainingStart.Build(Options(), CPU, RunFolder.Data.ClassNames);
        Assert.Equal(same, Bytes(whole));
    }

    [Fact]
    public void A_classifier_of_as_many_other_classes_begins_anew_and_one_of_the_same_is_put_in_their_order()
    {
        var (here, ten) = (RunFolder.Data.ClassNames, Enumerable.Range(0, 10).ToArray());
        Assert.Equal(ten, Rows([.. here], "all weights"));
        Assert.Equal(ten.Reverse(), Rows([.. here.Reverse()], "all weights, the classifier's in the order of the classes here"));
        Assert.Null(Rows([.. here.Skip(1), "another"], "all weights but the classifier of 10 other classes, which is new"));
        Assert.Null(Rows([.. here.Skip(1), here[1]], "all weights but the classifier of 10 other classes, which is new"));

        // Digits are classes; the numbers of an import say nothing.
        string[] numbers = [.. ten.Select(i => $"{i}")];
        Assert.Null(Rows(numbers, "all weights but the classifier of 10 other classes, which is new"));
        Assert.Equal(ten, Rows(
            numbers, "all weights; its classes have no names there, and are taken for those here in their order", "imagenet"));

        // Which of the file's rows each class has; null where none is the file's.
        IEnumerable<int>? Rows(string[] classes, string said, string name = "ten")
        {
            var data = new DataSpec(name, false, classes, [0.1, 0.2, 0.3], [0.4, 0.5, 0.6], 3, 32, 32);
            var began = Write(TorchTests.Spec(classes: 10), data);
            using var network = TrainingStart.Build(Options(), CPU, here);
            var loaded = Bytes(network);
            Assert.All(loaded.Where(at => !at.Key.StartsWith("linear4", StringComparison.Ordinal)), at =>
                Assert.Equal(began[at.Key], at.Value));
            Assert.EndsWith($": {said}", new Trainer(Options() with { Overwrite = true }, RunFolder.Data).Plan.Start[0],
                StringComparison.Ordinal);
            string[] there = [.. RowsOf("linear4.weight", began)];
            int[] rows = [.. RowsOf("linear4.weight", loaded).Select(row => Array.IndexOf(there, row))];
            Assert.True(rows.All(row => row >= 0) || rows.All(row => row < 0));
            string[] biases = [.. RowsOf("linear4.bias", began)];
            if (rows[0] >= 0) Assert.Equal(rows.Select(row => biases[row]), RowsOf("linear4.bias", loaded));
            return rows[0] < 0 ? null : rows;
        }

        static IEnumerable<string> RowsOf(string key, Dictionary<string, byte[]> state) =>
            state[key].Chunk(state[key].Length / 10).Select(Convert.ToHexString);
    }

    [Fact]
    public void A_loop_of_ones_own_has_the_files_normalisation_and_saves_it()
    {
        var normalization = new ImageNormalization([0.1, 0.2, 0.3], [0.4, 0.5, 0.6]);
        var (data, path) = (RunFolder.Data, _folder.At("own.safetensors"));
        var recipe = new TrainingRecipe { BatchSize = 4, Augmentation = "none" };
        using var scope = NewDisposeScope();
        using var own = recipe.Batches(data, 1, seed: 5, normalization: normalization).Select(batch => batch.Images.clone()).First();
        using var usual = recipe.Batches(data, 1, seed: 5).Select(batch => batch.Images.clone()).First();
        for (var channel = 0; channel < 3; channel++)
        {
            // The same bytes: x = (byte / 255 - mean) / deviation.
            var bytes = usual[.., channel] * data.Normalization.Std[channel] + data.Normalization.Mean[channel];
            Assert.True(own[.., channel].mul(normalization.Std[channel]).add(normalization.Mean[channel]).allclose(bytes, atol: 1e-5));
        }

        using var network = new MobileNet(TorchTests.Spec());
        Checkpoint.Save(path, network, data, normalization);
        using (var saved = Checkpoint.Load(path)) Assert.Equal(normalization, saved.Normalization);
        Checkpoint.Save(path, network, data);
        using (var saved = Checkpoint.Load(path)) Assert.Equal(data.Normalization, saved.Normalization);

        var grey = new ImageNormalization([0.1], [0.2]);
        Assert.Contains("for 1 channels", Assert.Throws<ArgumentException>(() => recipe.Batches(data, 1, normalization: grey)).Message,
            StringComparison.Ordinal);
        Assert.Contains("for 1 channels", Assert.Throws<ArgumentException>(() => Checkpoint.Save(path, network, data, grey)).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void The_files_normalisation_is_the_runs_and_its_checkpoints()
    {
        var data = new DataSpec("four", false, ["a", "b", "c", "d"], [0.1, 0.2, 0.3], [0.4, 0.5, 0.6], 3, 32, 32);
        Write(TorchTests.Spec(classes: 4), data);
        _run.Run(Options());
        using var best = Checkpoint.Load(_run.Best);
        Assert.Equal(new ImageNormalization([0.1, 0.2, 0.3], [0.4, 0.5, 0.6]), best.Normalization);
        Assert.Contains("trained on four", new Trainer(Options() with { Overwrite = true }, RunFolder.Data).Plan.Start[0],
            StringComparison.Ordinal);

        // Of grey images: the means of all channels, as the first convolution is their sum.
        var grey = RunFolder.Data.Train;
        var split = new ImageSplit(grey.ToArray().AsMemory(0, grey.Count * grey.Height * grey.Width), grey.Labels, 1, grey.Height,
            grey.Width);
        var images = new ImageDataset("grey", RunFolder.Data.ClassNames, split, split, split);
        var options = TrainingOptions.StartingFrom(File4, images, _run.Path);
        Assert.Equal(1, options.Network.InputChannels);
        Assert.Equal(0.2, options.Normalization!.Mean[0], 1e-15);
        Assert.Equal(0.5, options.Normalization.Std[0], 1e-15);
        Assert.Contains("summed over 3 channels", new Trainer(options with { Overwrite = true, Device = "cpu" }, images).Plan.Start[1],
            StringComparison.Ordinal);
    }

    [Fact]
    public void A_resumed_run_ends_with_the_same_bytes_and_refuses_another_start()
    {
        Write(TorchTests.Spec(classes: 4));
        var start = Options() with { FrozenStages = 1, LearningRates = [new("linear4", 0.3)] };
        var options = start.By(recipe => recipe with { EmaDecay = 0.9 });
        using var whole = new RunFolder();
        whole.Run(options with { OutputDirectory = whole.Path });
        RunFolder.RunUntil(report => report is { Epoch: 2, Step: 2, Phase: "train" }, options);
        var resumed = options with { Resume = true };
        Refused(resumed with { FrozenStages = 2 }, "frozen stages: 1 there, 2 now");
        Refused(resumed with { LearningRates = [] }, "learning rate of linear4: 0.3 there, nothing now");
        Refused(resumed with { LearningRates = [new("linear4", 0.2)] }, "learning rate of linear4: 0.3 there, 0.2 now");
        Refused(resumed with { InitialWeights = null, FrozenStages = 0 }, "initial weights: ");
        Refused(resumed with { Normalization = new([0, 0, 0], [1, 1, 1]) }, "normalisation: nothing there, (0, 0, 0), (1, 1, 1) now");
        _run.Run(resumed);
        Assert.Equal(File.ReadAllBytes(whole.Last), File.ReadAllBytes(_run.Last));
        Assert.Equal(File.ReadAllBytes(whole.Best), File.ReadAllBytes(_run.Best));

        Write(TorchTests.Spec(classes: 4), seed: 9);
        Refused(resumed, "initial weights: ");
    }

    [Fact]
    public void A_rate_of_the_recipes_size_is_no_rate_of_its_own()
    {
        Write(TorchTests.Spec(classes: 4));
        _run.Run(Options());
        using var other = new RunFolder();
        other.Run(Options() with { OutputDirectory = other.Path, LearningRates = [new("linear4", new TrainingRecipe().LearningRate)] });
        Assert.Equal(Weights(_run.Best), Weights(other.Best));
        using var third = new RunFolder();
        third.Run(Options() with { OutputDirectory = third.Path, LearningRates = [new("linear4", 0.5)] });
        Assert.NotEqual(Weights(_run.Best), Weights(third.Best));
    }

    [Theory]
    [InlineData(OptimizerKind.Sgd)]
    [InlineData(OptimizerKind.AdamW)]
    public void Each_group_moves_as_one_of_Torchs_with_its_scheduled_rate(OptimizerKind kind)
    {
        using var scope = NewDisposeScope();
        using var ours = new MobileNet(TorchTests.Spec() with { Dropout = 0 }, dtype: ScalarType.Float64);
        using var theirs = new MobileNet(ours.Spec, dtype: ScalarType.Float64);
        theirs.load_state_dict(ours.state_dict());
        LayerLearningRate[] rates = [new("bneck.1", 0.01), new("bneck", 0.02), new("linear4", 0.4)];
        var recipe = new TrainingRecipe { Optimizer = kind, WeightDecay = 0.1 };
        using var optimizer = ParameterOptimizer.Of(recipe, ours, rates);
        var schedule = new LearningRateSchedule(recipe.LearningRate, 5, 2);

        // Each parameter a group of its own: peak of the longest path that it lies under; decay of what has two dimensions or more.
        double PeakOf(string name) => name.StartsWith("bneck.1.", StringComparison.Ordinal) ? 0.01
            : name.StartsWith("bneck.", StringComparison.Ordinal) ? 0.02 : name.StartsWith("linear4.", StringComparison.Ordinal) ? 0.4
                : recipe.LearningRate;
        var parameters = theirs.named_parameters().ToList();
        var references = parameters.Select(named =>
        {
            var decay = named.parameter.dim() > 1 ? 0.1 : 0;
            return kind == OptimizerKind.Sgd
                ? (optim.Optimizer)optim.SGD([named.parameter], PeakOf(named.name), momentum: 0.9, weight_decay: decay, nesterov: true)
                : optim.AdamW([named.parameter], PeakOf(named.name), recipe.AdamBeta1, recipe.AdamBeta2, weight_decay: decay);
        }).ToList();
        for (var step = 0; step < 5; step++)
        {
            var x = randn(4, 3, 16, 16, dtype: ScalarType.Float64);
            ours.call(x).square().sum().backward();
            optimizer.Step(schedule.At(step));
            Gradients.Clear(optimizer);
            theirs.call(x).square().sum().backward();
            for (var i = 0; i < references.Count; i++)
            {
                var rate = PeakOf(parameters[i].name) * schedule.At(step) / recipe.LearningRate;
                foreach (var group in references[i].ParamGroups) group.LearningRate = rate;
                references[i].step();
                references[i].zero_grad();
            }

            // The same operations in float64 on the same gradients; only the rates are rounded otherwise.
            foreach (var (name, parameter) in ours.named_parameters())
            {
                Assert.True(parameter.allclose(theirs.get_parameter(name)!, rtol: 1e-9, atol: 1e-10), $"{name}, step {step}");
            }
        }
    }

    [Fact]
    public void What_does_not_go_together_is_refused_by_name()
    {
        Write(TorchTests.Spec(classes: 4));
        var options = Options();
        Wrong(options with { FrozenStages = 3 }, "frozen stages is 3, tiny has 2");
        Wrong(options with { FrozenStages = -1 }, "frozen stages is -1");
        Wrong(options with { FrozenStages = 1, InitialWeights = null }, "there are no initial weights");
        Wrong(options with { LearningRates = [new("linear9", 1)] },
            "the learning rate of 'linear9' is given, but tiny has no such layers that learn");
        Wrong(options with { LearningRates = [new("linear4", 0)] }, "the learning rate of 'linear4' is 0");
        Wrong(options with { LearningRates = [new("linear4", 1), new("linear4", 2)] }, "'linear4' is given twice");
        Wrong(options with { FrozenStages = 2, LearningRates = [new("bneck.0", 1)] },
            "the learning rate of 'bneck.0' is given, but tiny has no such layers that learn");
        Wrong(options with { Normalization = new([0], [1]) }, "the normalisation is for 1 channels");
        Directory.CreateDirectory(_run.Path);
        File.Copy(File4, _run.Best);
        Refused(options with { InitialWeights = _run.Best }, "which the run would overwrite");
        var other = Assert.Throws<InvalidDataException>(() =>
            new Trainer(options with { Network = options.Network with { LastChannels = 40 } }, RunFolder.Data));
        Assert.Contains("holds the network 'tiny', another than the one", other.Message, StringComparison.Ordinal);
        Assert.Throws<FileNotFoundException>(() => new Trainer(options with { InitialWeights = _folder.At("none") }, RunFolder.Data));

        void Wrong(TrainingOptions wrong, string expected) =>
            Assert.Contains(expected, Assert.Throws<ArgumentException>(() => new Trainer(wrong, RunFolder.Data)).Message,
                StringComparison.Ordinal);
    }

    private TrainingOptions Options()
    {
        var start = TrainingOptions.StartingFrom(File4, RunFolder.Data, _run.Path);
        return _run.Options with { Network = start.Network, InitialWeights = start.InitialWeights, Normalization = start.Normalization };
    }

    private Dictionary<string, byte[]> Write(NetworkSpec spec, DataSpec? data = null, int seed = 3)
    {
        random.manual_seed(seed);
        using var network = new MobileNet(spec);
        using var noGrad = no_grad();

        // Statistics as training leaves them, so that a batch norm that is not in eval shows.
        foreach (var (name, buffer) in network.named_buffers().Where(at => at.buffer.is_floating_point())) buffer.add_(0.25);
        var metadata = data is null ? [] : new Dictionary<string, string> { [DataSpec.MetadataKey] = data.ToJson() };
        network.SaveSafeTensors(File4, metadata);
        return Bytes(network);
    }

    private static Dictionary<string, byte[]> Bytes(MobileNet network) =>
        network.state_dict().ToDictionary(entry => entry.Key, entry => entry.Value.bytes.ToArray());

    private void Refused(TrainingOptions options, string expected) =>
        Assert.Contains(expected, Assert.Throws<TrainingRefusedException>(() => _run.Run(options)).Message, StringComparison.Ordinal);

    private static string Weights(string path)
    {
        using var file = SafeTensors.Open(path);
        return string.Join('\n', file.Tensors.Keys.Select(key => string.Create(CultureInfo.InvariantCulture,
            $"{key} {Convert.ToHexString(file.ReadBytes(key))}")));
    }
}

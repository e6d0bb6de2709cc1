using System.Text.Json;
using TorchSharp;
using static TorchSharp.torch;

namespace XSepConv.Training.Tests;

[Collection(TorchTests.Name)]
public sealed class TrainerTests : IDisposable
{
    private readonly RunFolder _run = new();

    public void Dispose() => _run.Dispose();

    [Fact]
    public void A_network_learns()
    {
        var data = Sets.Open("shapes", new() { Limit = 640 });
        var result = new Trainer(_run.Options.By(recipe => recipe with { Epochs = 8, BatchSize = 32, LearningRate = 0.1 }), data).Run(
            cancel: TestContext.Current.CancellationToken);
        Assert.True(result.Completed);
        Assert.Equal(8, result.EpochsDone);

        // Ten classes: guessing has a loss of ln 10 = 2.303.
        Assert.True(result.History[0].TrainLoss > result.History[^1].TrainLoss);
        Assert.InRange(result.History[^1].TrainLoss, 0, 2.1);
        Assert.True(result.Test!.Top1 > 0.15, $"{result.Test}");
        Assert.Equal(640, result.Test.Images);
    }

    [Fact]
    public void The_plan_says_what_will_happen()
    {
        var plan = new Trainer(_run.Options.By(recipe => recipe with { WarmupEpochs = 0.5 }), RunFolder.Data).Plan;
        Assert.Equal(
            (6, 3, 16, 96, 96, 96),
            (plan.StepsPerEpoch, plan.Epochs, plan.BatchSize, plan.Data.Train.Count, plan.Data.Validation.Count, plan.Data.Test.Count));
        Assert.Equal((18, 3), (plan.Schedule.TotalSteps, plan.Schedule.WarmupSteps));
        Assert.Equal((1, 0), (plan.StartEpoch, plan.StartStep));
        Assert.Equal(("shapes", true, "cpu", 1), (plan.Data.Name, plan.Data.IsSynthetic, plan.Device, plan.Threads));
        Assert.Empty(plan.Notes);
        Assert.False(File.Exists(_run.Last), "nothing is written before the run");
    }

    [Fact]
    public void A_step_takes_the_mean_gradient_of_its_batches()
    {
        // One step of plain SGD moves a weight by rate · gradient: that of both halves together is the mean of what each alone would do.
        var options = _run.Options.By(
            recipe => recipe with
            {
                Momentum = 0,
                Nesterov = false,
                WeightDecay = 0,
                WarmupEpochs = 0,
                Augmentation = "none",
                Epochs = 1
            }) with
        { Network = TorchTests.Spec() with { Dropout = 0 } };
        var data = Sets.Open("shapes", new() { Limit = 32, Seed = 4 });
        using var scope = NewDisposeScope();
        var order = CounterRandom.For(options.Seed, CounterRandom.Stream.Order, 1).Permutation(32);
        var rate = new LearningRateSchedule(options.Recipe.LearningRate, 1, 0).At(0);

        using (manual_seed(options.Seed))
        {
        }

        using var network = new MobileNet(options.Network);
        Dictionary<string, Tensor> expected = network.named_parameters().ToDictionary(
            named => named.name, named => named.parameter.detach().clone());
        foreach (var half in new[] { order[..16], order[16..] })
        {
            var batch = BatchSource.ForEvaluation(data.Train, data.Normalization, 32).From(0).Select(
                all => TensorBatch.Images(all, data.Train, CPU, ScalarType.Float32)).Single();
            var index = tensor(half.Select(i => (long)i).ToArray());
            var labels = tensor(half.Select(i => (long)data.Train.Labels.Span[i]).ToArray());
            network.zero_grad();
            nn.functional.cross_entropy(
                network.call(batch.index_select(0, index)), labels, label_smoothing: options.Recipe.LabelSmoothing).backward();
            using var noGrad = no_grad();
            foreach (var (name, parameter) in network.named_parameters()) expected[name].sub_(parameter.grad! * (rate / 2));
        }

        new Trainer(options.By(recipe => recipe with { BatchSize = 16, AccumulateBatches = 2 }), data).Run(
            cancel: TestContext.Current.CancellationToken);
        using var trained = Checkpoint.Load(_run.Last);
        foreach (var (name, parameter) in trained.Network.named_parameters())
        {
            // float32 in another order of operations: some 1e-7 of the largest number.
            Assert.True(parameter.allclose(expected[name], rtol: 1e-5, atol: 1e-6), name);
        }
    }

    [Fact]
    public void The_average_is_what_is_validated_kept_and_tested()
    {
        var result = _run.Run(_run.Options.By(recipe => recipe with { EmaDecay = 0.9 }));
        using var best = Checkpoint.Load(_run.Best);
        using var last = SafeTensors.Open(_run.Last);
        var measured = Evaluator.Evaluate(
            best.Network, RunFolder.Data.Validation, best.Normalization, cancel: TestContext.Current.CancellationToken);
        Assert.Equal((result.BestValidationTop1, result.History[result.BestEpoch - 1].ValidationLoss), (measured.Top1, measured.Loss));
        var averaged = last.Tensors.Keys.Where(name => name.StartsWith("training/ema/", StringComparison.Ordinal)).ToList();
        Assert.Equal(best.Network.state_dict().Keys.Order(), averaged.Select(name => name["training/ema/".Length..]).Order());
        if (result.BestEpoch == 3) Assert.Equal(last.ReadBytes("training/ema/conv1.weight"), BytesOf(_run.Best, "conv1.weight"));
        Assert.NotEqual(last.ReadBytes("conv1.weight"), BytesOf(_run.Best, "conv1.weight"));
    }

    [Fact]
    public void A_run_without_anything_better_ends_early_and_its_best_epoch_is_tested()
    {
        // A learning rate that moves nothing in float32: the validation stays as it is, but for statistics, so that no later epoch is
        // expected to be better for long.
        var result = _run.Run(_run.Options.By(recipe => recipe with { Epochs = 60, Patience = 2, LearningRate = 1e-30 }));
        Assert.True(result is { Completed: true, StoppedEarly: true, Test: not null });
        Assert.Equal(result.EpochsDone, result.BestEpoch + 2);
        Assert.DoesNotContain(result.History.TakeLast(2), epoch => epoch.Best);
        Assert.Equal(result.EpochsDone, File.ReadAllLines(_run.Log).Length);

        var again = new Trainer(
            _run.Options.By(
                recipe => recipe with { Epochs = 60, Patience = 2, LearningRate = 1e-30 }) with
            { Resume = true }, RunFolder.Data)
            .Run(cancel: TestContext.Current.CancellationToken);
        Assert.Equal((result.EpochsDone, result.Test, true), (again.EpochsDone, again.Test, again.StoppedEarly));
    }

    [Fact]
    public void Every_step_and_epoch_is_reported_and_the_log_has_a_line_an_epoch()
    {
        var reports = new List<TrainingProgress>();
        var result = _run.Run(progress: reports.Add);
        Assert.Equal(18, reports.Count(report => report.Phase == "train"));
        var finished = reports.Where(report => report.Finished is not null).Select(report => report.Finished!).ToList();
        Assert.Equal([1, 2, 3], finished.Select(epoch => epoch.Epoch));
        Assert.All(finished, epoch => Assert.True(epoch.Seconds > 0 && epoch.ImagesPerSecond > 0 && epoch.DataWait is >= 0 and <= 1));

        var lines = File.ReadAllLines(_run.Log).Select(line => JsonDocument.Parse(line).RootElement).ToList();
        Assert.Equal([1, 2, 3], lines.Select(line => line.GetProperty("epoch").GetInt32()));
        Assert.Equal(
            result.History.Select(epoch => epoch.ValidationTop1), lines.Select(line => line.GetProperty("validationTop1").GetDouble()));
        Assert.All(lines, line => Assert.True(line.GetProperty("seconds").GetDouble() > 0));
        Assert.Equal(result.History.Max(epoch => epoch.ValidationTop1), result.BestValidationTop1);
    }

    [Fact]
    public void The_same_seed_gives_the_same_bytes_and_another_seed_others()
    {
        _run.Run();
        using var again = new RunFolder();
        again.Run();
        Assert.Equal(File.ReadAllBytes(_run.Last), File.ReadAllBytes(again.Last));
        Assert.Equal(File.ReadAllBytes(_run.Best), File.ReadAllBytes(again.Best));

        using var other = new RunFolder();
        other.Run(other.Options with { Seed = 12 });
        Assert.NotEqual(File.ReadAllBytes(_run.Best), File.ReadAllBytes(other.Best));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Live_tensors_do_not_grow_from_step_to_step(bool all)
    {
        var options = _run.Options.By(recipe => recipe with { Epochs = 4 });
        if (all)
        {
            options = options.By(
                recipe => recipe with
                {
                    Optimizer = OptimizerKind.AdamW,
                    EmaDecay = 0.9,
                    ClipNorm = 1,
                    BatchSize = 8,
                    AccumulateBatches = 2
                }) with
            { Augmentation = Augmentation.None with { Mixup = 0.2 } };
        }

        var counts = new List<long>();
        Finalisers.Run();
        var before = Tensor.TotalCount;
        _run.Run(options, report =>
        {
            if (report.Phase == "train") counts.Add(Tensor.TotalCount);
        });

        var after = Tensor.TotalCount;

        // The first step makes the gradients; from then on every step leaves what it found.
        Assert.Equal(24, counts.Count);
        Assert.Single(counts.Skip(1).Distinct());

        // TorchSharp never takes the tensor that a Parameter was made from off its count (nn.Linear(2, 2), disposed of, leaves 2), so the
        // networks of a run, the trained one, the tested one and the averaged one, leave as many as they have parameters, and nothing else
        // is left.
        using var network = new MobileNet(TorchTests.Spec());
        Assert.Equal((all ? 3 : 2) * network.parameters().Count(), after - before);
    }

    [Fact]
    public void The_best_weights_are_tested_once_at_the_end()
    {
        var reports = new List<TrainingProgress>();
        var result = _run.Run(progress: reports.Add);
        Assert.Single(reports, report => report.Phase == "test");
        Assert.Equal("test", reports[^1].Phase);

        using var best = Checkpoint.Load(_run.Best);
        Assert.Equal(result.BestEpoch, best.Epoch);
        Assert.Equal(
            result.Test, Evaluator.Evaluate(
                best.Network, RunFolder.Data.Test, best.Normalization, 256, cancel: TestContext.Current.CancellationToken));
        var validation = Evaluator.Evaluate(
            best.Network, RunFolder.Data.Validation, best.Normalization, 256, cancel: TestContext.Current.CancellationToken);
        Assert.Equal(result.BestValidationTop1, validation.Top1);
    }

    [Fact]
    public void A_loss_that_is_no_number_stops_the_run_and_keeps_the_last_good_checkpoint()
    {
        // Weights of 1e30 after the first step: their products overflow in the second or third.
        var options = _run.Options.By(recipe => recipe with { LearningRate = 1e30, WarmupEpochs = 0 });
        var error = Assert.Throws<TrainingDivergedException>(() => _run.Run(options));
        Assert.Equal(1, error.Epoch);
        Assert.InRange(error.Step, 2, 6);
        Assert.False(double.IsFinite(error.Loss));
        Assert.Contains($"in step {error.Step} of epoch 1", error.Message, StringComparison.Ordinal);

        using var kept = Checkpoint.Load(_run.Last);
        using var scope = NewDisposeScope();
        Assert.All(kept.Network.state_dict().Values, tensor => Assert.True(tensor.isfinite().all().ToBoolean()));
        Assert.Equal(0, kept.Epoch);
    }

    [Fact]
    public void A_wrong_number_of_threads_and_other_options_are_all_listed()
    {
        var options = _run.Options.By(recipe => recipe with
        {
            AccumulateBatches = 0,
            Optimizer = (OptimizerKind)2,
            Schedule = (ScheduleKind)2,
            AdamBeta1 = 1,
            AdamBeta2 = -1,
            ClipNorm = 0,
            EmaDecay = 1,
            Patience = 0,
            Epochs = 0,
            BatchSize = 1,
            LearningRate = double.NaN,
            Momentum = 1,
            WeightDecay = -1,
            LabelSmoothing = 1,
            WarmupEpochs = -1,
            Dropout = 1,
            Augmentation = "much",
        }) with
        {
            Threads = 0,
        };
        var message = Assert.Throws<ArgumentException>(
            () => new Trainer(options with { Network = TorchTests.Spec(classes: 7, channels: 1) }, RunFolder.Data)).Message;
        foreach (var part in new[]
        {
            "epochs is 0", "batch size is 1", "learning rate is NaN", "momentum is 1", "weight decay is -1", "label smoothing is 1",
            "warm-up epochs is -1",
            "accumulated batches is 0", "optimizer is 2", "schedule is 2", "β1 is 1", "β2 is -1", "clipped to is 0", "average is 1",
            "patience is 0", "dropout is 1", "augmentation is 'much'",
            "threads is 0", "takes 1 channels, the images of shapes have 3", "7 classes apart, shapes has 10",
        })
        {
            Assert.Contains(part, message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void More_batches_than_there_are_can_t_be_accumulated() => Assert.Contains(
        "accumulated batches is 7, but the training split has 6 of 16 images",
        Assert.Throws<ArgumentException>(
            () =>
                new Trainer(
                    _run.Options.By(recipe => recipe with { AccumulateBatches = 7 }), RunFolder.Data)).Message, StringComparison.Ordinal);

    private static byte[] BytesOf(string path, string name)
    {
        using var file = SafeTensors.Open(path);
        return file.ReadBytes(name);
    }

    [Theory]
    [InlineData("gpu", "known are auto, cpu, cuda and cuda:N")]
    [InlineData("cuda:x", "known are")]
    [InlineData("cuda:99", "CUDA devices")]
    public void A_device_that_is_not_there_is_refused(string device, string reason) =>
        Assert.Contains(
            reason, Assert.Throws<ArgumentException>(
                () => new Trainer(_run.Options with { Device = device }, RunFolder.Data)).Message, StringComparison.Ordinal);
}

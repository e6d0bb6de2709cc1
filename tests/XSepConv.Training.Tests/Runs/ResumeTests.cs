using System.Runtime.InteropServices;

namespace XSepConv.Training.Tests;

[Collection(TorchTests.Name)]
public sealed class ResumeTests : RunFolderTests
{
    public static TheoryData<(int, int, string)[]> Moments() => new(
        [(1, 1, "train")],
        [(1, 6, "train")],
        [(1, 96, "validate")],
        [(2, 3, "train"), (2, 4, "train"), (3, 5, "train")],
        [(2, 6, "epoch")],
        [(3, 6, "train")],
        [(3, 6, "epoch"), (3, 96, "test")]);

    [Theory]
    [MemberData(nameof(Moments))]
    public void An_interruptedRun_ends_with_the_bytes_of_one_that_was_not((int, int, string)[] moments)
    {
        // A cancellation at the very end of the test phase comes too late to stop anything.
        var result = moments[^1].Item3 == "test" ? Run.RunInterrupted(moments[..^1]) : Run.RunInterrupted(moments);
        RequireSame(result);
    }

    [Fact]
    public void So_does_one_with_mixup_and_the_rest_and_other_workers()
    {
        var strong =
            RunFolder.Data.Augmentation with { ColorJitter = 0.2, Erasing = 0.5, PolicyOperations = 2, PolicyMagnitude = 0.3, Mixup = 0.3 };
        using var whole = new RunFolder();
        var expected = whole.Run(whole.Options with { Augmentation = strong, Workers = 0 });
        var options = Run.Options with { Augmentation = strong, Workers = 3 };
        using (var cancel = new CancellationTokenSource())
        {
            var begun = new Trainer(options, RunFolder.Data).Run(
                new Stop(report => report is { Epoch: 2, Step: 3, Phase: "train" }, cancel), cancel.Token);
            Assert.False(begun.Completed);
        }

        var resumed = Run.Run(options with { Resume = true, Workers = 1 });
        Assert.Equal(expected.History, resumed.History);
        Assert.Equal(File.ReadAllBytes(whole.Last), File.ReadAllBytes(Run.Last));
        Assert.Equal(File.ReadAllBytes(whole.Best), File.ReadAllBytes(Run.Best));
        Refused(Run.Options with { Resume = true }, "mixup: 0.3 there, nothing now", "policy operations: 2 there");
    }

    /// <summary>As runs are where several cores are idle; the maps are large enough to be divided.</summary>
    [Fact]
    public void So_does_one_on_two_threads()
    {
        Assert.SkipWhen(Environment.ProcessorCount < 2, "More threads than cores are not started, and here is one core.");
        var options = Run.Options.By(recipe => recipe with { Epochs = 2, BatchSize = 32 }) with { Threads = 2 };
        using var whole = new RunFolder();
        var expected = whole.Run(options with { OutputDirectory = whole.Path });
        RunFolder.RunUntil(report => report is { Epoch: 1, Step: 2, Phase: "train" }, options);
        RunFolder.RunUntil(report => report is { Epoch: 2, Step: 1, Phase: "train" }, options with { Resume = true });

        var plan = new Trainer(options with { Resume = true }, RunFolder.Data).Plan;
        Assert.Equal((2, 2, 1), (plan.Threads, plan.StartEpoch, plan.StartStep));
        var resumed = Run.Run(options with { Resume = true });
        Assert.Equal((expected.Test, expected.History.Count), (resumed.Test, resumed.History.Count));
        Assert.Equal(File.ReadAllBytes(whole.Last), File.ReadAllBytes(Run.Last));
        Assert.Equal(File.ReadAllBytes(whole.Best), File.ReadAllBytes(Run.Best));
    }

    // The parts of recipes that remember something from step to step, each with what else could get out of step with it.
    private static readonly Dictionary<string, Func<TrainingOptions, TrainingOptions>> Recipes = new()
    {
        ["AdamW"] = options => options.By(
            recipe => recipe with
            {
                Optimizer = OptimizerKind.AdamW,
                LearningRate = 2e-3,
                WeightDecay = 0.05,
                Schedule = ScheduleKind.Step
            }),
        ["average"] = options => options.By(recipe => recipe with { EmaDecay = 0.9, ClipNorm = 0.5 }),
        ["accumulation"] = options => options.By(recipe => recipe with { BatchSize = 8, AccumulateBatches = 2 }),
        ["all"] = options => options.By(recipe => recipe with
        {
            Optimizer = OptimizerKind.AdamW,
            LearningRate = 2e-3,
            EmaDecay = 0.9,
            ClipNorm = 1,
            BatchSize = 8,
            AccumulateBatches = 2,
            Patience = 1,
        }) with
        { Augmentation = RunFolder.Data.Augmentation with { PolicyOperations = 1, PolicyMagnitude = 0.3, Mixup = 0.3 } },
    };

    public static TheoryData<string, bool> RecipesAndEnds() => new(Recipes.Keys.SelectMany(name => new[] { (name, false), (name, true) }));

    [Theory]
    [MemberData(nameof(RecipesAndEnds))]
    public void Every_recipe_goes_on_to_the_same_bits(string recipe, bool killed)
    {
        var options = Recipes[recipe](Run.Options);
        using var whole = new RunFolder();
        var expected = whole.Run(options with { OutputDirectory = whole.Path, Workers = 0 });
        foreach (var (epoch, step) in new[] { (1, 2), (1, 5), (2, 1) })
        {
            // A kill is an exception between a step and anything else: it saves nothing, and the last checkpoint is some steps old.
            var begun = options with { Resume = File.Exists(Run.Last), CheckpointSteps = killed ? 2 : null };
            if (killed)
            {
                Assert.Throws<InvalidTimeZoneException>(
                    () => Run.Run(begun, report => _ = At(report) ? throw new InvalidTimeZoneException() : 0));
            }
            else RunFolder.RunUntil(At, begun);

            bool At(TrainingProgress report) => report.Epoch == epoch && report.Step == step && report.Phase == "train";
        }

        var resumed = Run.Run(options with { Resume = true, Workers = 1 });
        Assert.Equal(expected.History, resumed.History);
        Assert.Equal((expected.Test, expected.StoppedEarly), (resumed.Test, resumed.StoppedEarly));
        Assert.Equal(File.ReadAllBytes(whole.Last), File.ReadAllBytes(Run.Last));
        Assert.Equal(File.ReadAllBytes(whole.Best), File.ReadAllBytes(Run.Best));
    }

    [Fact]
    public void Other_recipes_are_refused()
    {
        Run.RunInterruptedAt(1);
        Refused(
            Recipes["all"](Run.Options).By(recipe => recipe with { Schedule = ScheduleKind.Step }) with { Resume = true },
            "optimizer: nothing there, AdamW now", "weight average: nothing there, 0.9 now", "clipped norm: nothing there, 1 now",
            "accumulated batches: nothing there, 2 now",
            "patience: nothing there, 1 now", "schedule: nothing there, Step now");
    }

    [Fact]
    public void What_AdamW_does_not_use_neither_stops_it_nor_its_resumption()
    {
        var options = Run.Options.By(recipe => recipe with { Optimizer = OptimizerKind.AdamW, Epochs = 1, Momentum = 0 });
        Assert.True(options.Recipe.Nesterov);
        RunFolder.RunUntil(report => report.Step == 2, options);
        Assert.DoesNotContain("momentum", RunDirectory.ForReading(options).ReadState().Settings.Keys);
        Assert.Null(Run.Run(options.By(recipe => recipe with { Momentum = 0.5, Nesterov = false }) with { Resume = true }).Problem);
    }

    [Fact]
    public void A_kill_loses_only_what_came_after_the_last_checkpoint()
    {
        // What is on the disk at a moment is what a kill at that moment leaves.
        using var killed = new RunFolder();
        Directory.CreateDirectory(Run.Path);
        killed.Run(progress: report =>
        {
            if (report is { Epoch: 3, Step: 2, Phase: "train" })
            {
                foreach (var file in new[] { "last.safetensors", "best.safetensors", "log.jsonl" })
                {
                    File.Copy(Path.Combine(killed.Path, file), Path.Combine(Run.Path, file));
                }
            }
        });
        RequireSame(Run.Run(Run.Options with { Resume = true }));
    }

    [Fact]
    public void A_kill_in_the_first_epoch_can_be_resumed_too()
    {
        Assert.Throws<InvalidTimeZoneException>(() => Run.Run(progress: _ => throw new InvalidTimeZoneException()));
        RequireSame(Run.Run(Run.Options with { Resume = true }));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Best_weights_that_the_last_epoch_made_are_written_again_where_another_file_or_none_is(bool gone)
    {
        // As a disk that filled up between both files leaves them; the run that made the other file did not come to the same bits.
        var options = Run.Options.By(recipe => recipe with { Epochs = 1 });
        using var whole = new RunFolder();
        var expected = whole.Run(options with { OutputDirectory = whole.Path });
        using var other = new RunFolder();
        other.Run(options with { OutputDirectory = other.Path, Seed = 12 });
        RunFolder.RunUntil(report => report.Phase == "epoch", options);
        if (gone) File.Delete(Run.Best);
        else File.Copy(other.Best, Run.Best, overwrite: true);

        Assert.Equal(expected.Test, Run.Run(options with { Resume = true }).Test);
        Assert.Equal(File.ReadAllBytes(whole.Best), File.ReadAllBytes(Run.Best));
        Assert.Equal(File.ReadAllBytes(whole.Last), File.ReadAllBytes(Run.Last));
    }

    [Fact]
    public void An_average_that_was_best_is_written_again_too()
    {
        var options = Run.Options.By(recipe => recipe with { Epochs = 1, EmaDecay = 0.9 });
        RunFolder.RunUntil(report => report.Phase == "epoch", options);
        var best = File.ReadAllBytes(Run.Best);
        File.Delete(Run.Best);
        Assert.True(Run.Run(options with { Resume = true }).Completed);
        Assert.Equal(best, File.ReadAllBytes(Run.Best));
    }

    [Fact]
    public void A_checkpoint_within_an_epoch_is_written_when_asked_for()
    {
        var options = Run.Options with { CheckpointSteps = 4 };
        Assert.Throws<InvalidTimeZoneException>(() => Run.Run(options, report =>
        {
            if (report is { Epoch: 2, Step: 5 }) throw new InvalidTimeZoneException();
        }));
        var plan = new Trainer(options with { Resume = true }, RunFolder.Data).Plan;
        Assert.Equal((2, 4), (plan.StartEpoch, plan.StartStep));
        RequireSame(Run.Run(options with { Resume = true }));
    }

    [Fact]
    public void The_log_is_put_right_when_itRuns_ahead_or_is_damaged()
    {
        Run.RunUntil(report => report is { Epoch: 2, Step: 2, Phase: "train" });
        var first = File.ReadAllLines(Run.Log);
        Assert.Single(first);

        // Killed between log and checkpoint: the log has a line too many, and half of another.
        File.AppendAllText(Run.Log, first[0].Replace("\"epoch\":1", "\"epoch\":2", StringComparison.Ordinal) + "\n{\"epo");
        RequireSame(Run.Run(Run.Options with { Resume = true }));
        Assert.Equal(first[0], File.ReadAllLines(Run.Log)[0]);
    }

    [Fact]
    public void A_lost_log_comes_back_without_times()
    {
        Run.RunInterruptedAt(2);
        File.Delete(Run.Log);
        RequireSame(Run.Run(Run.Options with { Resume = true }));
        Assert.DoesNotContain("seconds", File.ReadAllLines(Run.Log)[0], StringComparison.Ordinal);
        Assert.Contains("seconds", File.ReadAllLines(Run.Log)[2], StringComparison.Ordinal);
    }

    [Fact]
    public void A_finishedRun_is_not_trained_or_tested_again()
    {
        Run.Run();
        var reports = 0;
        var result = Run.Run(Run.Options with { Resume = true }, _ => reports++);
        Assert.Equal(0, reports);
        RequireSame(result);
    }

    [Fact]
    public void Nothing_to_resume_is_refused() =>
        Refused(Run.Options with { Resume = true }, "There is nothing to resume", "last.safetensors does not exist");

    [Fact]
    public void Other_options_are_refused_and_all_of_them_listed()
    {
        Run.RunInterruptedAt(1);
        var other = Run.Options.By(
            recipe => recipe with { LearningRate = 0.3, Epochs = 4, Augmentation = "none" }) with
        {
            Resume = true,
            Seed = 1,
            Network = TorchTests.Spec() with { Dropout = 0 }
        };
        Refused(
            other, "learning rate: 0.02 there, 0.3 now", "epochs: 3 there, 4 now", "seed: 11 there, 1 now", "crop padding: 2 there, 0 now",
            "dropout: 0.1 there, 0 now", "network table");
        Assert.Contains("training images", Assert.Throws<TrainingRefusedException>(() =>
            new Trainer(
                Run.Options with { Resume = true }, Sets.Open(
                    "shapes", new() { Limit = 96, Seed = 5 }))).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(0.9)]
    public void Batch_norm_s_numbers_go_on_with_theRun(double emaDecay)
    {
        // As a run would leave them whose network had other numbers than the defaults.
        var options = Run.Options.By(recipe => recipe with { EmaDecay = emaDecay });
        RunFolder.RunUntil(report => report.Epoch == 1 && report.Phase == "train", options);
        Rewrite(Run.Last, """{"bn1":{"eps":"0.3"},"bneck.0.bn2":{"eps":"0.002","momentum":null}}""");
        Run.Run(options with { Resume = true });
        foreach (var path in new[] { Run.Last, Run.Best })
        {
            using var file = SafeTensors.Open(path);
            Assert.Equal(
                """{"bn1":{"eps":"0.3"},"bneck.0.bn2":{"eps":"0.002","momentum":null}}""", file.Metadata[ModuleSettings.MetadataKey]);
            using var kept = Checkpoint.Load(path);
            var norms = kept.Network.named_modules().Where(
                at => at.module is TorchSharp.Modules.NormBase).ToDictionary(at => at.name, at => (TorchSharp.Modules.NormBase)at.module);
            Assert.Equal((0.3, 0.1), (norms["bn1"].eps, norms["bn1"].momentum));
            Assert.Equal((0.002, null), (norms["bneck.0.bn2"].eps, norms["bneck.0.bn2"].momentum));
            Assert.Equal((1e-5, 0.1), (norms["bn2"].eps, norms["bn2"].momentum));
        }
    }

    [Fact]
    public void Weights_that_are_no_numbers_are_not_resumed()
    {
        Run.RunInterruptedAt(1);
        Rewrite(
            Run.Last, "{}", tensor => tensor.Name == "conv1.weight"
                ? tensor with
                {
                    Data = MemoryMarshal.AsBytes(Enumerable.Repeat(float.NaN, tensor.Data.Length / 4).ToArray().AsSpan()).ToArray()
                }
                : tensor);
        var error = Assert.Throws<InvalidDataException>(() => Run.Run(Run.Options with { Resume = true }));
        Assert.Contains("'conv1.weight' has NaN at 0", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_test_loss_that_is_no_number_ends_theRun_as_that_of_a_validation_does()
    {
        // Finite weights whose answers overflow, in the place of the best ones.
        var options = Run.Options.By(recipe => recipe with { Epochs = 1 });
        var error = Assert.Throws<TrainingDivergedException>(() => Run.Run(options, report =>
        {
            if (report.Phase != "epoch") return;
            Rewrite(Run.Best, "{}", tensor => tensor.Name.EndsWith(".weight", StringComparison.Ordinal)
                ? tensor with
                {
                    Data = MemoryMarshal.AsBytes(Enumerable.Repeat(float.MaxValue, tensor.Data.Length / 4).ToArray().AsSpan()).ToArray()
                }
                : tensor);
        }));
        Assert.Contains("The test loss is", error.Message, StringComparison.Ordinal);
        Assert.Equal((1, 6), (error.Epoch, error.Step));
        Assert.Null(TrainingStateOf(Run.Last).Test);

        static TrainingState TrainingStateOf(string path)
        {
            using var file = SafeTensors.Open(path);
            return TrainingState.FromJson(file.Metadata[TrainingState.MetadataKey], path);
        }
    }

    [Fact]
    public void A_kill_in_the_first_validation_loses_no_step()
    {
        Assert.Throws<InvalidTimeZoneException>(() => Run.Run(progress: report =>
        {
            if (report.Phase == "validate") throw new InvalidTimeZoneException();
        }));
        var plan = new Trainer(Run.Options with { Resume = true }, RunFolder.Data).Plan;
        Assert.Equal((1, 6), (plan.StartEpoch, plan.StartStep));
        RequireSame(Run.Run(Run.Options with { Resume = true }));
    }

    private static void Rewrite(string path, string settings, Func<SafeTensor, SafeTensor>? change = null)
    {
        List<SafeTensor> tensors;
        Dictionary<string, string> metadata;
        using (var file = SafeTensors.Open(path))
        {
            tensors = [.. file.Tensors.Values.Select(info => new SafeTensor(info.Name, info.Type, info.Shape, file.ReadBytes(info.Name)))];
            metadata = new(file.Metadata) { [ModuleSettings.MetadataKey] = settings };
        }

        SafeTensors.Write(path, change is null ? tensors : tensors.Select(change), metadata);
    }

    [Fact]
    public void Another_number_of_threads_is_allowed_and_said()
    {
        Run.RunInterruptedAt(1);
        Assert.SkipWhen(Environment.ProcessorCount < 2, "On one core two threads are never used.");
        Assert.Contains(
            "began on 1 threads and goes on with 2", Assert.Single(
                new Trainer(Run.Options with { Resume = true, Threads = 2 }, RunFolder.Data).Plan.Notes), StringComparison.Ordinal);
    }

    [Fact]
    public void ARun_begins_with_no_more_threads_than_it_can_go_on_with()
    {
        // As OMP_NUM_THREADS, or a machine of which this process has only some cores, makes libtorch begin.
        TorchSharp.torch.set_num_threads(Environment.ProcessorCount + 2);
        try
        {
            Assert.Equal(Environment.ProcessorCount, new Trainer(Run.Options with { Threads = null }, RunFolder.Data).Plan.Threads);
        }
        finally
        {
            TorchSharp.torch.set_num_threads(1);
        }
    }

    [Fact]
    public void Unless_said_otherwise_aRun_goes_on_with_the_threads_that_it_began_with()
    {
        Run.RunInterruptedAt(1);
        TorchSharp.torch.set_num_threads(2);
        try
        {
            var resumed = new Trainer(Run.Options with { Resume = true, Threads = null }, RunFolder.Data);

            Assert.Empty(resumed.Plan.Notes);
            Assert.Equal(1, resumed.Plan.Threads);
            RequireSame(resumed.Run(cancel: TestContext.Current.CancellationToken));
        }
        finally
        {
            TorchSharp.torch.set_num_threads(1);
        }
    }
}

using System.Runtime.InteropServices;

namespace XSepConv.Training.Tests;

[Collection(TorchTests.Name)]
public sealed class ResumeTests : IDisposable
{
    private static readonly Lazy<(byte[] Last, byte[] Best, string[] Log, TrainingResult Result)> Uninterrupted = new(() =>
    {
        using var run = new RunFolder();
        var result = run.Run();
        return (File.ReadAllBytes(run.Last), File.ReadAllBytes(run.Best), File.ReadAllLines(run.Log), result);
    });

    private readonly RunFolder _run = new();

    public void Dispose() => _run.Dispose();

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
    public void An_interrupted_run_ends_with_the_bytes_of_one_that_was_not((int, int, string)[] moments)
    {
        // A cancellation at the very end of the test phase comes too late to stop anything.
        var result = moments[^1].Item3 == "test" ? _run.RunInterrupted(moments[..^1]) : _run.RunInterrupted(moments);
        RequireSame(result);
    }

    [Fact]
    public void So_does_one_with_mixup_and_the_rest_and_other_workers()
    {
        var strong =
            RunFolder.Data.Augmentation with { ColorJitter = 0.2, Erasing = 0.5, PolicyOperations = 2, PolicyMagnitude = 0.3, Mixup = 0.3 };
        using var whole = new RunFolder();
        var expected = whole.Run(whole.Options with { Augmentation = strong, Workers = 0 });
        var options = _run.Options with { Augmentation = strong, Workers = 3 };
        using (var cancel = new CancellationTokenSource())
        {
            var begun = new Trainer(options, RunFolder.Data).Run(
                new Stop(report => report is { Epoch: 2, Step: 3, Phase: "train" }, cancel), cancel.Token);
            Assert.False(begun.Completed);
        }

        var resumed = _run.Run(options with { Resume = true, Workers = 1 });
        Assert.Equal(expected.History, resumed.History);
        Assert.Equal(File.ReadAllBytes(whole.Last), File.ReadAllBytes(_run.Last));
        Assert.Equal(File.ReadAllBytes(whole.Best), File.ReadAllBytes(_run.Best));
        Refused(_run.Options with { Resume = true }, "mixup: 0.3 there, nothing now", "policy operations: 2 there");
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
        var options = Recipes[recipe](_run.Options);
        using var whole = new RunFolder();
        var expected = whole.Run(options with { OutputDirectory = whole.Path, Workers = 0 });
        foreach (var (epoch, step) in new[] { (1, 2), (1, 5), (2, 1) })
        {
            // A kill is an exception between a step and anything else: it saves nothing, and the last checkpoint is some steps old.
            var begun = options with { Resume = File.Exists(_run.Last), CheckpointSteps = killed ? 2 : null };
            if (killed)
            {
                Assert.Throws<InvalidTimeZoneException>(
                    () => _run.Run(begun, report => _ = At(report) ? throw new InvalidTimeZoneException() : 0));
            }
            else RunFolder.RunUntil(At, begun);

            bool At(TrainingProgress report) => report.Epoch == epoch && report.Step == step && report.Phase == "train";
        }

        var resumed = _run.Run(options with { Resume = true, Workers = 1 });
        Assert.Equal(expected.History, resumed.History);
        Assert.Equal((expected.Test, expected.StoppedEarly), (resumed.Test, resumed.StoppedEarly));
        Assert.Equal(File.ReadAllBytes(whole.Last), File.ReadAllBytes(_run.Last));
        Assert.Equal(File.ReadAllBytes(whole.Best), File.ReadAllBytes(_run.Best));
    }

    [Fact]
    public void Other_recipes_are_refused()
    {
        _run.RunInterruptedAt(1);
        Refused(
            Recipes["all"](_run.Options).By(recipe => recipe with { Schedule = ScheduleKind.Step }) with { Resume = true },
            "optimizer: nothing there, AdamW now", "weight average: nothing there, 0.9 now", "clipped norm: nothing there, 1 now",
            "accumulated batches: nothing there, 2 now",
            "patience: nothing there, 1 now", "schedule: nothing there, Step now");
    }

    [Fact]
    public void A_kill_loses_only_what_came_after_the_last_checkpoint()
    {
        // What is on the disk at a moment is what a kill at that moment leaves.
        using var killed = new RunFolder();
        Directory.CreateDirectory(_run.Path);
        killed.Run(progress: report =>
        {
            if (report is { Epoch: 3, Step: 2, Phase: "train" })
            {
                foreach (var file in new[] { "last.safetensors", "best.safetensors", "log.jsonl" })
                {
                    File.Copy(Path.Combine(killed.Path, file), Path.Combine(_run.Path, file));
                }
            }
        });
        RequireSame(_run.Run(_run.Options with { Resume = true }));
    }

    [Fact]
    public void A_kill_in_the_first_epoch_can_be_resumed_too()
    {
        Assert.Throws<InvalidTimeZoneException>(() => _run.Run(progress: _ => throw new InvalidTimeZoneException()));
        RequireSame(_run.Run(_run.Options with { Resume = true }));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Best_weights_that_the_last_epoch_made_are_written_again_where_another_file_or_none_is(bool gone)
    {
        // As a disk that filled up between both files leaves them; the run that made the other file did not come to the same bits.
        var options = _run.Options.By(recipe => recipe with { Epochs = 1 });
        using var whole = new RunFolder();
        var expected = whole.Run(options with { OutputDirectory = whole.Path });
        using var other = new RunFolder();
        other.Run(options with { OutputDirectory = other.Path, Seed = 12 });
        RunFolder.RunUntil(report => report.Phase == "epoch", options);
        if (gone) File.Delete(_run.Best);
        else File.Copy(other.Best, _run.Best, overwrite: true);

        Assert.Equal(expected.Test, _run.Run(options with { Resume = true }).Test);
        Assert.Equal(File.ReadAllBytes(whole.Best), File.ReadAllBytes(_run.Best));
        Assert.Equal(File.ReadAllBytes(whole.Last), File.ReadAllBytes(_run.Last));
    }

    [Fact]
    public void An_average_that_was_best_is_written_again_too()
    {
        var options = _run.Options.By(recipe => recipe with { Epochs = 1, EmaDecay = 0.9 });
        RunFolder.RunUntil(report => report.Phase == "epoch", options);
        var best = File.ReadAllBytes(_run.Best);
        File.Delete(_run.Best);
        Assert.True(_run.Run(options with { Resume = true }).Completed);
        Assert.Equal(best, File.ReadAllBytes(_run.Best));
    }

    [Fact]
    public void A_checkpoint_within_an_epoch_is_written_when_asked_for()
    {
        var options = _run.Options with { CheckpointSteps = 4 };
        Assert.Throws<InvalidTimeZoneException>(() => _run.Run(options, report =>
        {
            if (report is { Epoch: 2, Step: 5 }) throw new InvalidTimeZoneException();
        }));
        var plan = new Trainer(options with { Resume = true }, RunFolder.Data).Plan;
        Assert.Equal((2, 4), (plan.StartEpoch, plan.StartStep));
        RequireSame(_run.Run(options with { Resume = true }));
    }

    [Fact]
    public void The_log_is_put_right_when_it_runs_ahead_or_is_damaged()
    {
        _run.RunUntil(report => report is { Epoch: 2, Step: 2, Phase: "train" });
        var first = File.ReadAllLines(_run.Log);
        Assert.Single(first);

        // Killed between log and checkpoint: the log has a line too many, and half of another.
        File.AppendAllText(_run.Log, first[0].Replace("\"epoch\":1", "\"epoch\":2", StringComparison.Ordinal) + "\n{\"epo");
        RequireSame(_run.Run(_run.Options with { Resume = true }));
        Assert.Equal(first[0], File.ReadAllLines(_run.Log)[0]);
    }

    [Fact]
    public void A_lost_log_comes_back_without_times()
    {
        _run.RunInterruptedAt(2);
        File.Delete(_run.Log);
        RequireSame(_run.Run(_run.Options with { Resume = true }));
        Assert.DoesNotContain("seconds", File.ReadAllLines(_run.Log)[0], StringComparison.Ordinal);
        Assert.Contains("seconds", File.ReadAllLines(_run.Log)[2], StringComparison.Ordinal);
    }

    [Fact]
    public void A_finished_run_is_not_trained_or_tested_again()
    {
        _run.Run();
        var reports = 0;
        var result = _run.Run(_run.Options with { Resume = true }, _ => reports++);
        Assert.Equal(0, reports);
        RequireSame(result);
    }

    [Fact]
    public void Nothing_to_resume_is_refused() =>
        Refused(_run.Options with { Resume = true }, "There is nothing to resume", "last.safetensors does not exist");

    [Fact]
    public void Other_options_are_refused_and_all_of_them_listed()
    {
        _run.RunInterruptedAt(1);
        var other = _run.Options.By(
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
                _run.Options with { Resume = true }, Sets.Open(
                    "shapes", new() { Limit = 96, Seed = 5 }))).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(0.9)]
    public void Batch_norm_s_numbers_go_on_with_the_run(double emaDecay)
    {
        // As a run would leave them whose network had other numbers than the defaults.
        var options = _run.Options.By(recipe => recipe with { EmaDecay = emaDecay });
        RunFolder.RunUntil(report => report.Epoch == 1 && report.Phase == "train", options);
        Rewrite(_run.Last, """{"bn1":{"eps":"0.3"},"bneck.0.bn2":{"eps":"0.002","momentum":null}}""");
        _run.Run(options with { Resume = true });
        foreach (var path in new[] { _run.Last, _run.Best })
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
        _run.RunInterruptedAt(1);
        Rewrite(
            _run.Last, "{}", tensor => tensor.Name == "conv1.weight"
                ? tensor with
                {
                    Data = MemoryMarshal.AsBytes(Enumerable.Repeat(float.NaN, tensor.Data.Length / 4).ToArray().AsSpan()).ToArray()
                }
                : tensor);
        var error = Assert.Throws<InvalidDataException>(() => _run.Run(_run.Options with { Resume = true }));
        Assert.Contains("'conv1.weight' has NaN at 0", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_test_loss_that_is_no_number_ends_the_run_as_that_of_a_validation_does()
    {
        // Finite weights whose answers overflow, in the place of the best ones.
        var options = _run.Options.By(recipe => recipe with { Epochs = 1 });
        var error = Assert.Throws<TrainingDivergedException>(() => _run.Run(options, report =>
        {
            if (report.Phase != "epoch") return;
            Rewrite(_run.Best, "{}", tensor => tensor.Name.EndsWith(".weight", StringComparison.Ordinal)
                ? tensor with
                {
                    Data = MemoryMarshal.AsBytes(Enumerable.Repeat(float.MaxValue, tensor.Data.Length / 4).ToArray().AsSpan()).ToArray()
                }
                : tensor);
        }));
        Assert.Contains("The test loss is", error.Message, StringComparison.Ordinal);
        Assert.Equal((1, 6), (error.Epoch, error.Step));
        Assert.Null(TrainingStateOf(_run.Last).Test);

        static TrainingState TrainingStateOf(string path)
        {
            using var file = SafeTensors.Open(path);
            return TrainingState.FromJson(file.Metadata[TrainingState.MetadataKey], path);
        }
    }

    [Fact]
    public void A_kill_in_the_first_validation_loses_no_step()
    {
        Assert.Throws<InvalidTimeZoneException>(() => _run.Run(progress: report =>
        {
            if (report.Phase == "validate") throw new InvalidTimeZoneException();
        }));
        var plan = new Trainer(_run.Options with { Resume = true }, RunFolder.Data).Plan;
        Assert.Equal((1, 6), (plan.StartEpoch, plan.StartStep));
        RequireSame(_run.Run(_run.Options with { Resume = true }));
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
        _run.RunInterruptedAt(1);
        Assert.SkipWhen(Environment.ProcessorCount < 2, "On one core two threads are never used.");
        Assert.Contains(
            "began on 1 threads and goes on with 2", Assert.Single(
                new Trainer(_run.Options with { Resume = true, Threads = 2 }, RunFolder.Data).Plan.Notes), StringComparison.Ordinal);
    }

    [Fact]
    public void A_run_begins_with_no_more_threads_than_it_can_go_on_with()
    {
        // As OMP_NUM_THREADS, or a machine of which this process has only some cores, makes libtorch begin.
        TorchSharp.torch.set_num_threads(Environment.ProcessorCount + 2);
        try
        {
            Assert.Equal(Environment.ProcessorCount, new Trainer(_run.Options with { Threads = null }, RunFolder.Data).Plan.Threads);
        }
        finally
        {
            TorchSharp.torch.set_num_threads(1);
        }
    }

    [Fact]
    public void Unless_said_otherwise_a_run_goes_on_with_the_threads_that_it_began_with()
    {
        _run.RunInterruptedAt(1);
        TorchSharp.torch.set_num_threads(2);
        try
        {
            var resumed = new Trainer(_run.Options with { Resume = true, Threads = null }, RunFolder.Data);

            Assert.Empty(resumed.Plan.Notes);
            Assert.Equal(1, resumed.Plan.Threads);
            RequireSame(resumed.Run(cancel: TestContext.Current.CancellationToken));
        }
        finally
        {
            TorchSharp.torch.set_num_threads(1);
        }
    }

    [Fact]
    public void A_directory_with_a_run_is_not_overwritten_unasked()
    {
        _run.Run(_run.Options.By(recipe => recipe with { Epochs = 1 }));
        Refused(_run.Options, "holds a run already");
        RequireSame(_run.Run(_run.Options with { Overwrite = true }));
    }

    [Theory]
    [InlineData("last.safetensors")]
    [InlineData("best.safetensors")]
    [InlineData("log.jsonl")]
    public void Whatever_is_left_of_a_run_is_not_overwritten_unasked(string left)
    {
        Directory.CreateDirectory(_run.Path);
        var path = Path.Combine(_run.Path, left);
        File.WriteAllText(path, "of before");
        Refused(_run.Options, "holds a run already");
        Assert.Equal("of before", File.ReadAllText(path));
        RequireSame(_run.Run(_run.Options with { Overwrite = true }));
    }

    [Theory]
    [InlineData("last.safetensors")]
    [InlineData("best.safetensors")]
    [InlineData("log.jsonl")]
    public void Overwriting_that_breaks_off_leaves_what_is_not_overwritten_unasked(string stuck)
    {
        // A file that can't be deleted ends it there, as a kill might.
        _run.Run(_run.Options.By(recipe => recipe with { Epochs = 1 }));
        File.Delete(Path.Combine(_run.Path, stuck));
        Directory.CreateDirectory(Path.Combine(_run.Path, stuck));
        Assert.Throws<TrainingStorageException>(() => _run.Run(_run.Options with { Overwrite = true }));
        Refused(_run.Options, "holds a run already");
    }

    [Fact]
    public void A_run_that_another_trainer_has_made_since_is_not_overwritten()
    {
        var late = new Trainer(_run.Options, RunFolder.Data);
        _run.Run();
        var error = Assert.Throws<TrainingRefusedException>(() => late.Run(cancel: TestContext.Current.CancellationToken));
        Assert.Contains("holds a run already", error.Message, StringComparison.Ordinal);
        Assert.Equal(Uninterrupted.Value.Best, File.ReadAllBytes(_run.Best));
    }

    // A position of then with weights of now would be steps that are taken twice, or a test that is forgotten.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_run_that_went_on_since_it_was_read_is_not_resumed_from_there(bool toTheEnd)
    {
        _run.RunInterruptedAt(2);
        var late = new Trainer(_run.Options with { Resume = true }, RunFolder.Data);
        if (toTheEnd) _run.Run(_run.Options with { Resume = true });
        else _run.RunUntil(report => report is { Epoch: 2, Step: 4, Phase: "train" }, resume: true);
        RefusedAsOld(late);
        RequireSame(_run.Run(_run.Options with { Resume = true }));
    }

    [Fact]
    public void Nor_does_a_trainer_that_was_cancelled_resume_twice_from_where_it_began()
    {
        _run.RunInterruptedAt(1);
        var trainer = new Trainer(_run.Options with { Resume = true }, RunFolder.Data);
        using (var cancel = new CancellationTokenSource())
        {
            var stop = new Stop(report => report is { Epoch: 2, Step: 3, Phase: "train" }, cancel);
            Assert.False(trainer.Run(stop, cancel.Token).Completed);
        }

        RefusedAsOld(trainer);
        RequireSame(_run.Run(_run.Options with { Resume = true }));
    }

    [Fact]
    public void Nor_one_whose_checkpoint_is_gone()
    {
        _run.RunInterruptedAt(1);
        var late = new Trainer(_run.Options with { Resume = true }, RunFolder.Data);
        File.Delete(_run.Last);
        RefusedAsOld(late);
    }

    [Fact]
    public void A_directory_that_can_t_be_written_is_refused_before_training()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.At("file"), "");
        Refused(_run.Options with { OutputDirectory = folder.At("file") }, "can't be written");
        Refused(_run.Options with { OutputDirectory = folder.At("file/run") }, "can't be written");
    }

    [Fact]
    public void Two_runs_do_not_write_to_one_directory()
    {
        _run.Run(progress: report =>
        {
            if (report is not { Epoch: 1, Step: 1, Phase: "train" }) return;
            var error = Assert.Throws<TrainingRefusedException>(
                () => new Trainer(_run.Options with { Resume = true }, RunFolder.Data).Run(cancel: TestContext.Current.CancellationToken));
            Assert.Contains("Another run is writing", error.Message, StringComparison.Ordinal);
        });
    }

    [Fact]
    public void Lost_best_weights_and_foreign_or_damaged_checkpoints_are_refused()
    {
        _run.RunInterruptedAt(2);
        var good = File.ReadAllBytes(_run.Last);
        File.Move(_run.Best, _run.Best + ".away");
        Refused(_run.Options with { Resume = true }, "best.safetensors, the weights of its best epoch so far, is gone");
        File.Move(_run.Best + ".away", _run.Best);

        File.Copy(_run.Best, _run.Last, overwrite: true);
        Refused(_run.Options with { Resume = true }, "it holds no training state");

        File.WriteAllBytes(_run.Last, good[..(good.Length / 2)]);
        Assert.Throws<InvalidDataException>(() => new Trainer(_run.Options with { Resume = true }, RunFolder.Data));
    }

    [Theory]
    [InlineData("conv1.weight", SafeTensorType.BF16)]
    [InlineData("bn2.running_var", SafeTensorType.F64)]
    [InlineData("training/momentum/linear4.weight", SafeTensorType.F16)]
    [InlineData("linear4.weight", SafeTensorType.I8)]
    public void Weights_and_momenta_of_another_type_are_refused(string name, SafeTensorType type)
    {
        _run.RunInterruptedAt(2);
        SafeTensor[] tensors;
        Dictionary<string, string> metadata;
        using (var file = SafeTensors.Open(_run.Last))
        {
            metadata = new(file.Metadata);
            tensors = [.. file.Tensors.Values.Select(info =>
            {
                var bytes = file.ReadBytes(info.Name);
                return info.Name == name
                    ? new SafeTensor(name, type, info.Shape, type == SafeTensorType.I8
                        ? new byte[info.ElementCount]
                        : TensorValues.Write(type, TensorValues.Read(info.Type, bytes)))
                    : new SafeTensor(info.Name, info.Type, info.Shape, bytes);
            })];
        }

        Assert.Contains(tensors, tensor => tensor.Name == name);
        SafeTensors.Write(_run.Last, tensors, metadata);
        var message = Assert.Throws<InvalidDataException>(() => _run.Run(_run.Options with { Resume = true })).Message;
        Assert.Contains($"can't be resumed: '{name}' is {type}, and a run goes on from the F32 that it wrote.", message, StringComparison.Ordinal);
    }

    private void Refused(TrainingOptions options, params string[] parts)
    {
        var message = Assert.Throws<TrainingRefusedException>(() => new Trainer(options, RunFolder.Data)).Message;
        foreach (var part in parts) Assert.Contains(part, message, StringComparison.Ordinal);
    }

    private static void RefusedAsOld(Trainer trainer)
    {
        var error = Assert.Throws<TrainingRefusedException>(() => trainer.Run(cancel: TestContext.Current.CancellationToken));
        Assert.Contains("is no longer as this trainer read it", error.Message, StringComparison.Ordinal);
    }

    private void RequireSame(TrainingResult result)
    {
        var expected = Uninterrupted.Value;
        Assert.True(result.Completed);
        Assert.Equal(expected.Result.History, result.History);
        Assert.Equal(expected.Result.Test, result.Test);
        Assert.Equal(expected.Best, File.ReadAllBytes(_run.Best));
        Assert.Equal(expected.Last, File.ReadAllBytes(_run.Last));
        Assert.Equal(expected.Log.Select(WithoutTimes), File.ReadAllLines(_run.Log).Select(WithoutTimes));

        static string WithoutTimes(string line) =>
            System.Text.RegularExpressions.Regex.Replace(line, @",""(seconds|imagesPerSecond|dataWait)"":[0-9.E+-]+", "");
    }

    private sealed class Stop(Func<TrainingProgress, bool> moment, CancellationTokenSource cancel) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value)
        {
            if (moment(value)) cancel.Cancel();
        }
    }
}

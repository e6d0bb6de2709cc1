using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace XSepConv.Training.Tests.Comparison;

[Collection(TorchTests.Name)]
public sealed partial class ComparisonTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_comparison_interrupted_again_and_again_reports_the_same_bits_but_for_times()
    {
        var whole = new Trial(_folder.At("whole"));
        Assert.NotNull(whole.Run(stopAfter: int.MaxValue));

        var broken = new Trial(_folder.At("broken"));
        var stops = 0;
        for (var steps = 2; broken.Run(steps) is null; steps = (steps % 7) + 2) Assert.True(++stops < 100, "it never ends");

        Assert.True(stops >= 5, $"only {stops} interruptions");
        Assert.Equal(Timeless(whole.Folder.Json), Timeless(broken.Folder.Json));
        Assert.Equal(TimelessPage(whole.Folder.Html), TimelessPage(broken.Folder.Html));

        // What is done is not done again.
        Assert.NotNull(broken.Run(stopAfter: 0));
        Assert.Equal(Timeless(whole.Folder.Json), Timeless(broken.Folder.Json));
    }

    /// <summary>Within an epoch too, which takes an hour on many images.</summary>
    [Fact]
    public void A_kill_loses_the_steps_since_a_run_last_saved()
    {
        var trial = new Trial(_folder.At("killed"));
        var manifest = trial.Folder.Begin(trial.Manifest);
        var run = manifest.Runs.First();
        Assert.Throws<InvalidTimeZoneException>(() => RunExecution.Execute(
            trial.Folder, manifest, run, Trial.Images(run.Seed), ownProcess: false, new Kill(step: 4),
            TestContext.Current.CancellationToken, checkpointSteps: 3));

        var begun = manifest.Training with
        {
            Network = run.Network.Spec,
            Seed = run.Seed,
            OutputDirectory = trial.Folder.RunPath(run),
            Resume = true,
        };
        var plan = new Trainer(begun, Trial.Images(run.Seed)).Plan;
        Assert.Equal((1, 3), (plan.StartEpoch, plan.StartStep));

        // As docs/compare.md has it.
        Assert.Equal(200, RunExecution.UsualCheckpointSteps);
    }

    /// <summary>Latencies take a minute where there are many networks.</summary>
    [Fact]
    public void It_is_interrupted_while_latencies_are_measured_too()
    {
        var trial = new Trial(_folder.At("run"));
        Assert.Null(trial.Run(stopAfter: int.MaxValue, stopWhenTrained: true));
        Assert.False(File.Exists(trial.Folder.Json));
        Assert.NotNull(trial.Run(stopAfter: 0));

        // Nothing else is timed after that, however long it takes until all are.
        using var stop = new CancellationTokenSource();
        var (calls, others, before) = (0, 0, 0);
        Assert.Throws<OperationCanceledException>(() => Latencies.Medians([() => others++, Last, () => others++], stop.Token));
        Assert.Equal(before, others);

        void Last()
        {
            if (++calls != 50) return;
            before = others;
            stop.Cancel();
        }
    }

    [Fact]
    public void What_is_seen_through_lies_on_the_same_colour_in_every_run()
    {
        var path = _folder.At("manifest.json");
        foreach (Rgb? background in new Rgb?[] { Rgb.White, new Rgb(1, 2, 3), null })
        {
            var opened = new DatasetOptions { Limit = 64, Background = background };
            File.WriteAllText(
                path, ComparisonManifest.Of(
                    "compare", "xsepconv compare", Trial.Images(0), opened, Trial.Options, Trial.Networks, 2).ToJson());
            Assert.Equal(background, ComparisonManifest.Read(path).Data.Options(3).Background);
        }
    }

    [Fact]
    public void The_reports_numbers_are_the_trainers()
    {
        var trial = new Trial(_folder.At("whole"));
        var report = trial.Run(stopAfter: int.MaxValue)!;

        // The same network and seed, trained by itself.
        var images = Trial.Images(1);
        var options = Trial.Options with { Network = Trial.Networks[1].Spec, Seed = 1, OutputDirectory = _folder.At("alone") };
        var alone = new Trainer(options, images).Run(null, TestContext.Current.CancellationToken);
        Assert.Equal(alone.Test!.Top1, report.Networks[1].Top1.Values[1]);
        Assert.Equal(alone.History, report.Networks[1].Outcomes[1].History);

        foreach (var network in report.Networks)
        {
            // Two seeds' test images, of which as many are right as the evaluation counted.
            var right = Enumerable.Range(0, 10).Sum(i => network.Confusion[i][i]);
            Assert.Equal(2 * images.Test.Count, network.Confusion.Sum(row => row.Sum()));
            Assert.Equal(network.Top1.Values.Sum() * images.Test.Count, right, 1e-9);
            Assert.True(network.Measured.Latency is { Libtorch: > 0, Module: > 0, Runtime: > 0 });
            Assert.True(network.Measured.ImagesPerSecond > 0);

            // Runs in this process: its memory is not theirs.
            Assert.Null(network.Measured.PeakBytes);
            Assert.All(network.Measured.Runs, run => Assert.Equal(
                report.Machine with { Time = default }, Assert.Single(run.Machines!) with { Time = default }));
        }

        Assert.True(File.Exists(trial.Folder.Html) && File.Exists(trial.Folder.Markdown));
    }

    /// <summary>What can be done to the files of a comparison that is done, by hand or by mistake, and what is then said.</summary>
    [Fact]
    public void No_figure_is_reported_that_no_checkpoint_backs()
    {
        const string Own = "xsep-seed0", Seed = "xsep-seed1", Twin = "depthwise-seed0", Outcome = "outcome.json", Best = "best.safetensors",
        Last = "last.safetensors", Log = "log.jsonl";
        var done = new Trial(_folder.At("done"));
        Assert.NotNull(done.Run(stopAfter: int.MaxValue));
        (string What, Action<Func<string, string, string>> Change, string Said)[] changes =
        [
            ("a better figure", of => Edit(of(Own, Outcome), "0.9"), "it was edited"),
            ("another seed's outcome", of => Copy(of, Seed, Outcome), "it is the outcome of another network, seed"),
            ("the twin's run", of => Copy(of, Twin, Outcome, Best, Last, Log), "it is the outcome of another network, seed"),
            ("the twin's best weights", of => Copy(of, Twin, Best), "best.safetensors beside it is another one"),
            ("another seed's best weights", of => Copy(of, Seed, Best), "best.safetensors beside it is another one"),
            ("no best weights", of => File.Delete(of(Own, Best)), "best.safetensors beside it is gone"),
            ("another seed's last weights", of => Copy(of, Seed, Last), "last.safetensors beside it is another one"),
            ("faster epochs", of => File.AppendAllText(of(Own, Log), File.ReadLines(of(Own, Log)).Last() + "\n"), "log.jsonl beside it is "
                + "another one"),
            ("less memory", of => File.WriteAllText(of(Own, "measured.json"), """{"peakBytes":1000,"startBytes":1}"""),
                "measured.json beside it is another one"),
            ("the twin's best weights, no outcome", of => Copy(of, Twin, Best, without: Outcome), "is not what the run xsep-seed0 tested"),
            ("another seed's best weights, no outcome", of => Copy(of, Seed, Best, without: Outcome), "is not what "
                + "the run xsep-seed0 tested"),
            ("the twin's run, no outcome", of => Copy(of, Twin, Best, Last, Log, without: Outcome), "was made with other options"),
            ("an "
                + "outcome that is tied to nothing", of => File.WriteAllText(
                    of(Own, Outcome),
                    JsonNode.Parse(File.ReadAllText(of(Own, Outcome)))!["outcome"]!.ToJsonString()), "does not say which network"),
        ];
        foreach (var (what, change, said) in changes)
        {
            var trial = new Trial(_folder.At(what));
            foreach (var file in Directory.EnumerateFiles(done.Folder.FullName, "*",
                SearchOption.AllDirectories).Where(file => !Path.GetFileName(file).StartsWith("report", StringComparison.Ordinal)))
            {
                var copy = Path.Combine(trial.Folder.FullName, Path.GetRelativePath(done.Folder.FullName, file));
                Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
                File.Copy(file, copy);
            }

            change((run, file) => Path.Combine(trial.Folder.FullName, "runs", run, file));
            var e = Assert.ThrowsAny<Exception>(() => trial.Run(stopAfter: int.MaxValue));
            Assert.True(e is InvalidDataException or TrainingRefusedException, $"{what}: {e}");
            Assert.Contains(said, e.Message, StringComparison.Ordinal);
            Assert.Contains(Path.Combine("runs", Own), e.Message, StringComparison.Ordinal);
            Assert.False(File.Exists(trial.Folder.Json), what);
        }

        static void Edit(string path, string top1)
        {
            var outcome = JsonNode.Parse(File.ReadAllText(path))!;
            outcome["outcome"]!["test"]!["top1"] = JsonNode.Parse(top1);
            File.WriteAllText(path, outcome.ToJsonString());
        }

        static void Copy(
            Func<string, string, string> of, string from, string first, string? second =
                null, string? third = null, string? fourth = null, string? without = null)
        {
            foreach (var file in new[] { first, second, third, fourth }.OfType<string>())
            {
                File.Copy(of(from, file), of(Own, file), overwrite: true);
            }

            if (without is not null) File.Delete(of(Own, without));
        }
    }

    [Fact]
    public void The_ways_to_pad_are_four_networks_and_all_run_in_the_runtime()
    {
        var trial = new Trial(_folder.At("ablate"), ComparedNetwork.Paddings(TorchTests.Spec()));
        var report = trial.Run(stopAfter: int.MaxValue)!;

        Assert.Equal(["none", "right-bottom", "symmetric", "improved"], report.Networks.Select(network => network.Network.Id));
        Assert.Equal(["none", "right-bottom", "symmetric"], report.Tests.Select(test => test.First.Network.Id));
        Assert.All(report.Tests, test => Assert.Equal("improved", test.Second.Network.Id));
        Assert.All(report.Networks, network => Assert.True(network.Measured.Latency.Runtime > 0));

        // The two XSep rows have E = 24 and 32: four weights and a scale and a shift for each channel of a 2×2.
        Assert.Equal(6 * (24 + 32), report.Networks[3].Parameters - report.Networks[0].Parameters);
        Assert.Equal(report.Networks[3].Parameters, report.Networks[1].Parameters);
        Assert.Equal(report.Networks[3].Macs, report.Networks[2].Macs);
        Assert.NotEqual((0, 0), report.Networks[1].Shift);
        Assert.Equal((0, 0), report.Networks[2].Shift);
        Assert.Equal((0, 0), report.Networks[3].Shift);
    }

    [Fact]
    public void A_run_that_is_begun_anew_has_nothing_of_what_was_measured_of_the_lost_one()
    {
        var trial = new Trial(_folder.At("run"));
        var manifest = trial.Folder.Begin(trial.Manifest);
        var run = manifest.Runs.First();
        Step();
        var measured = new RunMeasurements(1000, 1, new(1, 1, 1, 1), trial.Folder.Measurements(run).Machines);
        trial.Folder.Write(run, measured);
        Step();
        Assert.Equal(1000, trial.Folder.Measurements(run).PeakBytes);
        Assert.Equal(measured.Load, trial.Folder.Measurements(run).Load);

        File.Delete(Path.Combine(trial.Folder.RunPath(run), "last.safetensors"));
        Step();
        var anew = trial.Folder.Measurements(run);
        Assert.Equal((null, null, null), (anew.PeakBytes, anew.StartBytes, anew.Load));
        Assert.Single(anew.Machines!);

        void Step() => Assert.False(RunExecution.Execute(
            trial.Folder, manifest, run, Trial.Images(run.Seed), ownProcess: false, null, new CancellationToken(canceled: true)));
    }

    [Fact]
    public void An_outcome_that_is_made_again_is_none_of_the_training()
    {
        var trial = new Trial(_folder.At("run"));
        var manifest = trial.Folder.Begin(trial.Manifest);
        var run = manifest.Runs.First();
        Assert.True(Execute());

        // Trained elsewhere, as far as the files say.
        var there = trial.Folder.Measurements(run);
        there = there with { Machines = [Assert.Single(there.Machines!) with { Processor = "another", Time = default }] };
        trial.Folder.Write(run, there);
        var outcome = Path.Combine(trial.Folder.RunPath(run), "outcome.json");
        File.Delete(outcome);
        Assert.True(Execute());
        Assert.Equal("another", Assert.Single(trial.Folder.Measurements(run).Machines!).Processor);
        Assert.True(File.Exists(outcome));

        bool Execute() => RunExecution.Execute(
            trial.Folder, manifest, run, Trial.Images(run.Seed), ownProcess: false, null, TestContext.Current.CancellationToken);
    }

    [Fact]
    public void Other_settings_are_refused_and_named()
    {
        var trial = new Trial(_folder.At("run"));
        trial.Folder.Begin(trial.Manifest);
        var other = Trial.ManifestOf(
            Trial.Networks, Trial.Options.By(recipe => recipe with { LearningRate = 0.125, Epochs = 5 }), seeds: 4);
        var message = Assert.Throws<TrainingRefusedException>(() => trial.Folder.Begin(other)).Message;
        foreach (var part in new[] { "compare.json", "learning rate: "
            + "0.02 there, 0.125 now", "epochs: 2 there, 5 now", "seeds: 2 there, 4 now", "elsewhere" })
        {
            Assert.Contains(part, message, StringComparison.Ordinal);
        }

        Assert.DoesNotContain("momentum", message, StringComparison.Ordinal);

        // The command that began it stays the report's.
        Assert.Equal("xsepconv compare", trial.Folder.Begin(trial.Manifest with { Command = "another" }).Command);
    }

    [Fact]
    public void Only_one_process_works_in_a_folder_and_only_on_a_comparison()
    {
        var folder = new ComparisonFolder(_folder.At("run"));
        using (folder.Lock())
        {
            Assert.Contains("Another comparison", Assert.Throws<TrainingRefusedException>(folder.Lock).Message, StringComparison.Ordinal);
        }

        folder.Lock().Dispose();
        File.WriteAllText(System.IO.Path.Combine(folder.FullName, "last.safetensors"), "");
        Assert.Contains(
            "holds training runs", Assert.Throws<TrainingRefusedException>(() => folder.Begin(HandMade.Manifest())).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Only_its_own_runs_are_removed_with_a_comparison()
    {
        var folder = HandMade.Write(_folder.At("run"), HandMade.Manifest(seeds: 2));
        string[] own = ["xsep-seed0", "xsep-seed1", "depthwise-seed0", "depthwise-seed1"];
        string[] others = ["mine", "xsep", "xsep-seed2", "xsep-seed01", "xsep-seed-1", "xsep-seed", "other-seed0"];
        var runs = Path.Combine(folder.FullName, "runs");
        foreach (var name in others)
        {
            Directory.CreateDirectory(Path.Combine(runs, name));
            File.WriteAllText(Path.Combine(runs, name, "best.safetensors"), "");
        }

        Assert.Equal([.. own.Concat(others).Order(StringComparer.Ordinal)], Names());

        folder.Clear();
        Assert.Equal([.. others.Order(StringComparer.Ordinal)], Names());
        Assert.Equal([runs], Directory.GetFileSystemEntries(folder.FullName));

        // There is a place for another beside them, which takes the folder with it where that is all that is in it.
        folder.Begin(HandMade.Manifest(seeds: 2));
        foreach (var name in others) Directory.Delete(Path.Combine(runs, name), recursive: true);
        Directory.CreateDirectory(Path.Combine(runs, "xsep-seed0"));
        folder.Clear();
        Assert.Empty(Directory.GetFileSystemEntries(folder.FullName));

        string?[] Names() => [.. Directory.GetDirectories(runs).Select(Path.GetFileName).Order(StringComparer.Ordinal)];
    }

    [Fact]
    public void A_damaged_comparison_is_not_removed_and_none_is_begun_over_its_runs()
    {
        var folder = HandMade.Write(_folder.At("run"), HandMade.Manifest(seeds: 1));
        var manifest = Path.Combine(folder.FullName, "compare.json");
        File.WriteAllText(manifest, "{}");
        Assert.Contains(manifest, Assert.Throws<InvalidDataException>(folder.Clear).Message, StringComparison.Ordinal);
        Assert.True(File.Exists(manifest));
        Assert.True(Directory.Exists(Path.Combine(folder.FullName, "runs", "xsep-seed0")));

        File.Delete(manifest);
        Assert.Contains("holds training runs",
            Assert.Throws<TrainingRefusedException>(() => folder.Begin(HandMade.Manifest())).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("{}")]
    [InlineData("null")]
    [InlineData("[1]")]
    [InlineData("{\"kind\":\"compare\"")]
    public void A_damaged_manifest_is_named(string text)
    {
        var folder = new ComparisonFolder(_folder.Path);
        var path = _folder.At("compare.json");
        File.WriteAllText(path, text);
        Assert.Contains(
            path, Assert.Throws<InvalidDataException>(() => folder.Begin(HandMade.Manifest())).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_manifest_comes_back_as_it_was()
    {
        var training = HandMade.Manifest().Training.By(
            recipe => recipe with { Optimizer = OptimizerKind.AdamW, ClipNorm = 5, Dropout = 0.5 });
        var manifest = HandMade.Manifest() with { Training = training with { Augmentation = new Augmentation(4, true) { Mixup = 0.25 } } };
        var folder = new ComparisonFolder(_folder.Path);
        folder.Begin(manifest);
        var read = folder.Manifest();
        Assert.Equal(manifest.Training, read.Training);
        Assert.Equal(manifest.Networks, read.Networks);
        Assert.Equal(manifest.Settings, read.Settings);
        Assert.Equal(manifest.ToJson(), read.ToJson());
    }

    /// <summary>The report without what clock and system said.</summary>
    private static string Timeless(string path)
    {
        var report = JsonNode.Parse(File.ReadAllText(path))!.AsObject();
        Assert.True(report.Remove("measured"));
        foreach (var network in report["networks"]!.AsArray()) Assert.True(network!.AsObject().Remove("measured"));
        return report.ToJsonString();
    }

    /// <summary>The page without the elements that say what they said, pictures included.</summary>
    private static string TimelessPage(string path)
    {
        var page = File.ReadAllText(path);
        var timeless = MeasuredElement().Replace(page, "");

        // Seven rows, a picture, and the line about the machine.
        Assert.Equal(9, MeasuredElement().Count(page));
        Assert.Equal(2 * 5, timeless.Split("data:image/png").Length - 1);
        return timeless;
    }

    [GeneratedRegex("<(tr|figure|p)( class=\"[a-z]+\")? data-measured>.*?</\\1>", RegexOptions.Singleline)]
    private static partial Regex MeasuredElement();

    /// <summary>An exception between a step and anything else saves as little as a kill.</summary>
    private sealed class Kill(int step) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value)
        {
            if (value.Phase == "train" && value.Step == step) throw new InvalidTimeZoneException();
        }
    }

    /// <summary>Two small networks, two seeds, in this process.</summary>
    private sealed class Trial(string path, IReadOnlyList<ComparedNetwork>? networks = null)
    {
        public static TrainingOptions Options { get; } = new()
        {
            Network = TorchTests.Spec(),
            OutputDirectory = "",
            Recipe = new() { Epochs = 2, BatchSize = 16, LearningRate = 0.02 },
            Threads = 1,
            Device = "cpu",
            Workers = 0,
        };

        public static IReadOnlyList<ComparedNetwork> Networks { get; } = ComparedNetwork.Twins(
            (_, _) => (TorchTests.Spec(), TorchTests.Spec() with
            {
                Name = "twin",
                Blocks = [.. TorchTests.Spec().Blocks.Select(block => block with { Kind = BlockKind.Dw })]
            }), [1], []);

        public ComparisonFolder Folder { get; } = new(path);

        public ComparisonManifest Manifest { get; } = ManifestOf(networks ?? Networks, Options, seeds: 2);

        public static ImageDataset Images(int seed) => Sets.Open("shapes", new() { Limit = 64, Seed = seed });

        public static ComparisonManifest ManifestOf(IReadOnlyList<ComparedNetwork> networks, TrainingOptions options, int seeds) =>
            ComparisonManifest.Of("compare", "xsepconv compare", Images(0), new() { Limit = 64 }, options, networks, seeds);

        /// <summary>Goes on until the end, or until so many steps have been taken.</summary>
        public ComparisonReport? Run(int stopAfter, bool stopWhenTrained = false)
        {
            using var cancel = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
            using var onlyOne = Folder.Lock();
            var manifest = Folder.Begin(Manifest);
            var steps = 0;
            return new XSepConv.Training.Comparison(Folder, manifest, (run, progress, token) =>
                RunExecution.Execute(Folder, manifest, run, Images(run.Seed), ownProcess: false, progress, token)).Run(
                    new Reporter(trained =>
                    {
                        if (trained ? stopWhenTrained : ++steps >= stopAfter) cancel.Cancel();
                    }), cancel.Token);
        }

        private sealed class Reporter(Action<bool> step) : IProgress<ComparisonProgress>
        {
            public void Report(ComparisonProgress value)
            {
                if (value.Step is not null || value.Run is null) step(value.Run is null);
            }
        }
    }
}

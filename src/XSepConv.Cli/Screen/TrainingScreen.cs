using System.Diagnostics;
using Spectre.Console;
using XSepConv.Cli.Profiling;
using XSepConv.Cli.Terminal;
using XSepConv.Training;

namespace XSepConv.Cli.Screen;

/// <summary>What a training run shows: what it will do, a line an epoch, and on a terminal a bar below them.</summary>
internal sealed class TrainingScreen(
    IAnsiConsole console, TrainingOptions options, string? preset, string recipe, TrainingPlan plan, CancellationToken stopping)
{
    // A step that waits longer than this share of its time is worth a word.
    private const double LongWait = 0.05;

    private readonly Waiting waiting = new();

    /// <summary>Says what is going to happen, before it happens.</summary>
    public void Introduce(string commandLine, string? note)
    {
        var (data, train) = (plan.Data, plan.Data.Train);
        var (channels, height, width) = (train.Channels, train.Height, train.Width);
        var profile = LayerCounts.Of(plan.Network, height, width);
        Consoles.Typed(console, commandLine);
        console.WriteLine();
        Facts.Write(console,
        [
            ("network",
                $"{plan.Network.Name}, {(preset is null ? "" : $"{preset} preset, ")}{profile.Parameters:N0} parameters, "
                + $"{profile.Macs:N0} MACs an image"),
            .. plan.Start.Select((line, i) => (i == 0 ? "start" : "", line)),
            ("data",
                $"{data.Name}{Synthetic(", SYNTHETIC")} ({data.Source}): {plan.Network.NumClasses} classes, "
                + $"{channels}×{height}×{width}"),
            ("", $"{train.Count:N0} images to train, {data.Validation.Count:N0} to validate, {data.Test.Count:N0} to test at the end"),
            ("recipe", recipe),
            ("", $"{ReportText.Count(plan.Epochs, "epoch")} of {ReportText.Count(plan.StepsPerEpoch, "step")} of {StepText()}"),
            ("", $"images {plan.Augmentation.Describe()}"),
            ("", OptimizerText()),
            ("", RateText()),
            ("", AverageText()),
            ("device", $"{plan.Device}, {ReportText.Count(plan.Threads, "thread")}, seed {options.Seed}"),
            ("output", $"{options.OutputDirectory}{Start()}"),
        ]);
        DataTable.Write(console, data.CountByClass(), data.Findings);
        foreach (var one in Notes(height, width).Concat(note is null ? [] : [note])) console.WriteLine($" note: {one}");
        console.WriteLine();
    }

    public TrainingResult Show(Func<IProgress<TrainingProgress>, TrainingResult> work)
    {
        var lines = new EpochLine(console.Profile.Width);
        console.WriteLine(lines.Header);
        if (!Consoles.IsLive(console)) return work(new Follow(console, null, waiting, lines));
        var steps = (long)plan.Epochs * plan.StepsPerEpoch;
        return LiveBars.On(console)
            .Start(context => work(new Follow(console, new Bar(context, steps, plan, stopping), waiting, lines)));
    }

    /// <summary>Says how it ended, and how to go on where it did not.</summary>
    public void Conclude(TrainingResult outcome, string output, string resumeLine)
    {
        console.WriteLine();
        if (!outcome.Completed)
        {
            console.WriteLine($"Stopped, saved in {output}. Continue with");
            Consoles.Typed(console, $"  {resumeLine}");
            return;
        }

        if (outcome.Problem is { } problem) console.WriteLine($" note: {problem}");
        if (outcome.StoppedEarly)
        {
            console.WriteLine(
                $" Ended after epoch {outcome.EpochsDone}: {ReportText.Count(options.Recipe.Patience ?? 0, "epoch")} brought nothing "
                + "better.");
        }

        var test = outcome.Test;
        var charts = outcome.Problem is null ? ", curves.png" : "";
        Facts.Write(
            console,
            ("best", $"epoch {outcome.BestEpoch} (*), validation top-1 {100 * outcome.BestValidationTop1:0.00} %"),
            ("test", test is null ? "none"
                : $"top-1 {100 * test.Top1:0.00} %, loss {test.Loss:0.0000}, {test.Images:N0} images{Synthetic(", synthetic")}"),
            ("waiting", waiting.Text()),
            ("files", $"{Path.Combine(output, Checkpoint.BestFileName)}, {Checkpoint.LastFileName}, log.jsonl, tensorboard/{charts}"));
    }

    private string Synthetic(string word) => plan.Data.IsSynthetic ? word : "";

    private string StepText()
    {
        var batch = $"{(plan.BatchesPerStep > 1 ? $"{plan.BatchesPerStep} × " : "")}{plan.BatchSize} images";
        return plan.Processes > 1 ? $"{batch}, shared by {plan.Processes} processes" : batch;
    }

    private string OptimizerText()
    {
        var how = options.Recipe.Optimizer == OptimizerKind.AdamW
            ? $"AdamW, β {options.Recipe.AdamBeta1} and {options.Recipe.AdamBeta2}"
            : $"SGD, {(options.Recipe.Nesterov ? "Nesterov " : "")}momentum {options.Recipe.Momentum}";
        var dropout = plan.Network.Dropout > 0 ? $", dropout {plan.Network.Dropout}" : "";
        return $"{how}, weight decay {options.Recipe.WeightDecay}, label smoothing {options.Recipe.LabelSmoothing}{dropout}";
    }

    private string RateText()
    {
        var then = options.Recipe.Schedule == ScheduleKind.Step ? "then a tenth from the middle, a hundredth from three quarters on"
            : "then a cosine to 0";
        return $"learning rate {options.Recipe.LearningRate}{OwnRates()} after {plan.Schedule.WarmupSteps:N0} steps of warm-up, "
            + then;
    }

    private string OwnRates() => string.Concat(
        options.LearningRates.Select(rate => $", of {rate.Layers} {rate.LearningRate},"));

    private string AverageText()
    {
        var clip = options.Recipe.ClipNorm is { } norm ? $"gradients clipped to a norm of {norm}" : "gradients as they are";
        var average = options.Recipe.EmaDecay > 0 ? $"an average of the weights (decay {options.Recipe.EmaDecay})" : "the weights";
        var end = options.Recipe.Patience is { } patience ? $", until {ReportText.Count(patience, "epoch")} bring nothing better" : "";
        return $"{clip}; {average} validated{end}";
    }

    private string Start() => !options.Resume ? ""
        : plan.StartEpoch > plan.Epochs ? ", all epochs are done"
        : $", continued in epoch {plan.StartEpoch} after {ReportText.Count(plan.StartStep, "step")}";

    private IEnumerable<string> Notes(int height, int width)
    {
        foreach (var note in plan.Notes) yield return note;
        var stride = plan.Network.InputStrides()[^1];
        if (stride >= Math.Min(height, width))
        {
            yield return $"images of {height}×{width} end as a single pixel; "
                + $"{(preset is null or "cifar" ? "larger ones keep" : "--preset cifar keeps")} more of them.";
        }
    }

    /// <summary>How much of the training time the steps waited for images, over all epochs of this run.</summary>
    private sealed class Waiting
    {
        private double seconds, waited;

        public void Add(EpochResult epoch)
        {
            seconds += epoch.Seconds ?? 0;
            waited += (epoch.Seconds ?? 0) * (epoch.DataWait ?? 0);
        }

        public string Text()
        {
            if (seconds == 0) return "no epoch was trained";
            var share = waited / seconds;
            var remedy = share > LongWait ? "; more --workers or a lighter --augment may help" : "";
            return $"{100 * share:0.00} % of the training time, for images{remedy}";
        }
    }

    private sealed class Follow(IAnsiConsole console, Bar? bar, Waiting waiting, EpochLine lines) : IProgress<TrainingProgress>
    {
        private EpochLine shown = lines;

        public void Report(TrainingProgress value)
        {
            if (value.Finished is { } finished) waiting.Add(finished);
            if (value.Finished is not { } epoch) bar?.Show(value);
            else Write(epoch);
        }

        private void Write(EpochResult epoch)
        {
            // A terminal may have become narrower or wider: other columns need their header.
            var now = bar is null ? shown : new EpochLine(console.Profile.Width);
            if (now.Header != shown.Header) Consoles.WriteAboveBars(console, now.Header);
            shown = now;
            if (bar is null) console.WriteLine(now.For(epoch));
            else Consoles.WriteAboveBars(console, now.For(epoch));
        }
    }

    private sealed class Bar(ProgressContext context, long steps, TrainingPlan plan, CancellationToken stopping)
    {
        private readonly Stopwatch watch = Stopwatch.StartNew();
        private readonly long startedAt = ((long)(plan.StartEpoch - 1) * plan.StepsPerEpoch) + plan.StartStep;
        private readonly ProgressTask task = context.AddTask("starting", maxValue: 1);

        public void Show(TrainingProgress value)
        {
            var done = ((long)(value.Epoch - 1) * value.Steps) + value.Step;
            task.MaxValue = value.Steps;
            task.Value = value.Step;
            task.Description = stopping.IsCancellationRequested ? "stopping" : value.Phase switch
            {
                "train" => $"epoch {value.Epoch}/{value.Epochs}",
                "validate" => "validating",
                _ => "testing",
            };
            var left = value.Phase == "train" && done > startedAt ? watch.Elapsed / (done - startedAt) * (steps - done) : (TimeSpan?)null;
            task.Tag = SpeedColumn.Text(value, left);
        }
    }
}

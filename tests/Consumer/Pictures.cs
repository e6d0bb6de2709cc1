using XSepConv;
using XSepConv.Training;

/// <summary>Trains on a folder of pictures: by the trainer, which is stopped and goes on, and in a loop of one's own.</summary>
internal static class Pictures
{
    /// <summary>What went wrong; null where nothing did.</summary>
    public static string? Problem(string root, string output)
    {
        var data = DatasetCatalog.Open(
            DatasetCatalog.Folder, new() { DataRoot = root, ImageSize = 32, CacheDirectory = Path.Combine(output, "cache") });
        var spec = MobileNetV3SmallSpec.XSep(new() { NumClasses = data.ClassNames.Count, Preset = ImagePreset.Cifar, Width = 0.1 });
        var recipe = TrainingRecipe.For("standard") with { Epochs = 2, BatchSize = 4, WarmupEpochs = 0 };

        var run = Path.Combine(output, "run");
        var options = new TrainingOptions { Network = spec, Recipe = recipe, OutputDirectory = run, Threads = 1 };
        using var stop = new CancellationTokenSource();
        var stopped = new Trainer(options, data).Run(new AfterTheFirstEpoch(stop), stop.Token);
        if (stopped.Completed || stopped.EpochsDone != 1) return $"It was stopped after an epoch, and says {stopped}.";

        var result = new Trainer(options with { Resume = true }, data).Run();
        if (!result.Completed || result.History.Count != 2 || result.Test is null) return $"It went on to the end, and says {result}.";
        using var best = Checkpoint.Load(Path.Combine(run, Checkpoint.BestFileName));
        var (again, confusion) = Evaluator.EvaluateByClass(best.Network, data.Test, best.Normalization);
        if (again.Top1 != result.Test.Top1 || confusion.Classes != data.ClassNames.Count)
            return $"The test was {result.Test}, and is {again}.";
        Console.WriteLine($"pictures: {data.Train.Count} of {string.Join(" and ", data.ClassNames)}; stopped, resumed, tested: {again}");

        using var network = new MobileNet(spec);
        using var step = new TrainingStep(network, recipe, recipe.StepsPerEpoch(data.Train));
        for (var epoch = 1; epoch <= recipe.Epochs; epoch++)
        {
            foreach (var batch in recipe.Batches(data, epoch)) step.Run(batch);
        }

        var own = Path.Combine(output, "own.safetensors");
        Checkpoint.Save(own, step.Average!, data);
        using var session = CompiledModel.Load(own).CreateSession();
        var top = new Prediction[1];
        session.Classify(new byte[session.ImageLength], top);
        Console.WriteLine($"a loop of one's own: {step.StepsDone} steps, and a black picture is {top[0].Name} to it");
        return step.StepsDone == step.Steps ? null : $"{step.StepsDone} of {step.Steps} steps were done.";
    }

    private sealed class AfterTheFirstEpoch(CancellationTokenSource stop) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value)
        {
            if (value.Finished is not null) stop.Cancel();
        }
    }
}

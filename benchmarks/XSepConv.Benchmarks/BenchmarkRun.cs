using System.Globalization;
using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Loggers;
using BenchmarkDotNet.Running;
using Perfolizer.Horology;

namespace XSepConv.Benchmarks;

/// <summary>One run of BenchmarkDotNet over a class of comparisons, written as Markdown.</summary>
internal sealed record BenchmarkRun(string Name, string Title, string Description, bool Quick, int Threads, string Results)
{
    /// <summary>Runs all cases.</summary>
    /// <returns>0, or 1 if a case failed (nothing is written then).</returns>
    public int Execute<TBenchmarks>()
        where TBenchmarks : TorchBenchmark
    {
        var summary = BenchmarkRunner.Run<TBenchmarks>(Config());
        if (summary.HasCriticalValidationErrors || summary.Reports.IsEmpty || summary.Reports.Any(report => !report.Success))
        {
            Console.Error.WriteLine($"A benchmark failed; nothing is written. The log: {summary.LogFilePath}");
            return 1;
        }

        var file = Path.Combine(Results, Machine.FolderName, Quick ? $"{Name}-quick.md" : $"{Name}.md");
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        File.WriteAllText(file, ComparisonReport.Write(summary, this));
        Console.WriteLine(file);
        return 0;
    }

    /// <summary>The command that repeats the run.</summary>
    public string CommandLine =>
        "dotnet run -c Release --project benchmarks/XSepConv.Benchmarks -- "
            + $"{Name}{(Quick ? " --quick" : "")}{(Threads == 1 ? "" : $" --threads {Threads}")}";

    private ManualConfig Config()
    {
        var job = (Quick ? Job.ShortRun : Job.Default.WithWarmupCount(5).WithIterationCount(15))
            .WithMinIterationTime(TimeInterval.FromMilliseconds(Quick ? 50 : 200))
            .WithEnvironmentVariable(TorchBenchmark.ThreadsVariable, Threads.ToString(CultureInfo.InvariantCulture))
            // The projects that BenchmarkDotNet generates switch the repository's targets off, and with them the step that lets TorchSharp
            // load.
            .WithArguments([new MsBuildArgument("/p:ImportDirectoryBuildTargets=true")])
            .WithId(Quick ? "quick" : "full");
        return ManualConfig.CreateEmpty()
            .AddJob(job)
            .AddLogger(ConsoleLogger.Default)
            .AddColumnProvider(DefaultColumnProviders.Instance)
            .WithArtifactsPath(Path.GetFullPath(Path.Combine(Results, "..", "..", "BenchmarkDotNet.Artifacts")))
            .WithOptions(ConfigOptions.JoinSummary);
    }
}

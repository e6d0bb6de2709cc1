using System.CommandLine;
using TorchSharp;
using XSepConv.Cli.Startup;

namespace XSepConv.Benchmarks.Ratios;

/// <summary>The command that measures contestants interleaved in one process, and prints ratios.</summary>
internal static class RatiosCommand
{
    private static readonly (string Name, Func<RatioSettings, IEnumerable<RatioResult>> Run)[] s_works =
    [
        ("stage-train", StageWorks.Train),
        ("stage-eval", StageWorks.Evaluate),
        ("stage-threads", StageLimits.Threads),
        ("stage-memory", StageLimits.Memory),
        ("roofline", StageLimits.Bounds),
        ("net-train", NetworkCase.Train),
        ("net-eval", CompiledWorks.Evaluate),
        (CompiledWorks.WithoutAvx512, CompiledWorks.EvaluateWithoutAvx512),
        ("net-eval-threads", CompiledWorks.Threads),
    ];

    public static Command Create()
    {
        var only = new Option<string[]>("--only")
        {
            Description = $"One work or several: {string.Join(", ", s_works.Select(work => work.Name))}.",
            AllowMultipleArgumentsPerToken = true,
        };
        only.AcceptOnlyFromAmong([.. s_works.Select(work => work.Name)]);
        var threads = new Option<int>("--threads") { Description = "Threads that every contestant may use.", DefaultValueFactory = _ => 1 };
        threads.Validators.Add(result =>
        {
            if (result.Tokens.Count > 0 && result.GetValueOrDefault<int>() is < 1 or > 1024)
                result.AddError($"--threads is {result.Tokens[0].Value}; give a number from 1 to 1024.");
        });
        var seconds = new Option<double>("--seconds")
        {
            Description = "About how long each contestant of a case is measured.",
            DefaultValueFactory = _ => 0.5,
        };
        seconds.Validators.Add(result =>
        {
            if (result.Tokens.Count > 0 && result.GetValueOrDefault<double>() is not (>= 0.01 and <= 600))
                result.AddError($"--seconds is {result.Tokens[0].Value}; give a number from 0.01 to 600.");
        });
        var json = new Option<FileInfo?>("--json")
        {
            Description = "Where to write the results as JSON; tables of them are written beside it as Markdown.",
        };
        var command = new Command(
            "ratios", "Contestants interleaved in one process, checked against float64 before they are timed; medians and ratios.")
        {
            only, threads, seconds, json,
        };
        command.SetAction(
            parse => Run(parse.GetValue(only) ?? [], new(parse.GetValue(threads), parse.GetValue(seconds)), parse.GetValue(json)));
        return command;
    }

    private static int Run(string[] only, RatioSettings settings, FileInfo? json)
    {
        GlibcAllocator.KeepFreedMemory();
        Nnpack.SwitchOffWhereUnsupported();
        torch.set_num_threads(settings.Threads);
        var results = new List<RatioResult>();
        foreach (var (name, run) in s_works)
        {
            if (only.Length > 0 && !only.Contains(name)) continue;
            foreach (var result in run(settings))
            {
                results.Add(result);
                Console.WriteLine(RatioText.Line(result));
            }
        }

        var report = new RatioReport(Machine.Cpu, [.. Machine.Describe(settings.Threads)], settings.Threads, results);
        Console.WriteLine();
        Console.Write(RatioText.Tables(report));
        if (json is not null) RatioText.Write(report, json, only, settings.Seconds);
        return 0;
    }
}

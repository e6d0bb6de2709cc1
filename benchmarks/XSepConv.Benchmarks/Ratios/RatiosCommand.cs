using System.CommandLine;
using TorchSharp;
using XSepConv.Cli.Arguments;
using XSepConv.Cli.Startup;

namespace XSepConv.Benchmarks.Ratios;

/// <summary>The command that measures contestants interleaved in one process, and prints ratios.</summary>
internal static class RatiosCommand
{
    // As RepLKNet's largest times two: beyond, a kernel covers more than any map that these stages are for.
    private const int LeastKernel = 3, MostKernel = 63;

    private static readonly (string Name, bool TakesKernels, Func<RatioSettings, IEnumerable<RatioResult>> Run)[] s_works =
    [
        (StageWorks.Training, true, StageWorks.Train),
        (StageWorks.Inference, true, StageWorks.Evaluate),
        (StageWorks.TimePerMac, true, StageWorks.Macs),
        ("stage-threads", false, StageLimits.Threads),
        (StageLimits.Kept, true, StageLimits.Memory),
        ("roofline", true, StageLimits.Bounds),
        (NetworkCase.Training, false, NetworkCase.Train),
        (StepMemory.Work, false, StepMemory.Measure),
        (ModuleWorks.Evaluation, false, ModuleWorks.Evaluate),
        ("net-eval", false, CompiledWorks.Evaluate),
        (CompiledWorks.Published, false, CompiledWorks.EvaluatePublished),
        (LargeKernelWorks.Evaluation, false, LargeKernelWorks.Evaluate),
        (CompiledWorks.WithoutAvx512, false, CompiledWorks.EvaluateWithoutAvx512),
        ("net-eval-threads", false, CompiledWorks.Threads),
    ];

    private static readonly string[] s_strided = [StageWorks.Training, StageWorks.Inference, StageWorks.TimePerMac];

    private static readonly string[] s_onCuda = [StageWorks.Training, StageWorks.Inference];

    private static readonly string s_withKernels = string.Join(", ", s_works.Where(work => work.TakesKernels).Select(work => work.Name));

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
        var kernels = CheckedOption.Wholes(
            "--kernels", "K,K,…", ((MostKernel - LeastKernel) / 2) + 1,
            $"K of the stages on large maps ({s_withKernels}), for example "
            + "3,5,7,9,11,13,15,21,31. Default: the networks' maps with the networks' K.",
            $"a kernel is odd, from {LeastKernel} to {MostKernel}",
            kernel => kernel is >= LeastKernel and <= MostKernel && kernel % 2 == 1);
        var maps = CheckedOption.Make<StageMap[]>(
            "--maps", "NxCxHxH,…", $"The maps of --kernels. Default: {string.Join(',', StageMap.Large.Select(map => map.Shape))}.",
            null,
            text => text.Split(',').Select(StageMap.Parse).ToList() is var read && read.All(map => map is not null)
                ? ([.. read.Select(map => map!.Value)], null)
                : (null, "give square maps as NxCxHxH, separated by commas, for example 4x24x224x224"));
        var stride = new Option<int>("--stride")
        {
            Description = $"Of the stages of --kernels: 1, or 2 ({string.Join(", ", s_strided)}).",
            DefaultValueFactory = _ => 1,
        };
        stride.AcceptOnlyFromAmong("1", "2");
        var device = new Option<string>("--device")
        {
            Description = $"cpu, or cuda for {string.Join(" and ", s_onCuda)} with libtorch's operators, which are all that runs there.",
            DefaultValueFactory = _ => "cpu",
        };
        device.AcceptOnlyFromAmong("cpu", "cuda");
        var libtorch = new Option<string?>("--libtorch")
        {
            Description = "What the report calls libtorch, where another is loaded than TorchSharp's own.",
        };
        var json = new Option<FileInfo?>("--json")
        {
            Description = "Where to write the results as JSON; tables of them are written beside it as Markdown.",
        };
        var command = new Command(
            "ratios", "Contestants interleaved in one process, checked against float64 before they are timed; medians and ratios.")
        {
            only, kernels, maps, stride, device, libtorch, threads, seconds, json,
        };
        command.Validators.Add(result =>
        {
            if (result.IsTyped(maps) && !result.IsTyped(kernels))
                result.AddError("--maps are the maps of --kernels; give that too.");
            if (result.IsTyped(stride) && !result.IsTyped(kernels))
                result.AddError("--stride is that of the stages of --kernels; give that too.");
            if (result.GetValue(stride) == 2 && (result.GetValue(only) is not [_, ..] strided || strided.Except(s_strided).Any()))
                result.AddError($"--stride 2 is for --only {string.Join(' ', s_strided)}.");
            if (result.GetValue(device) == "cuda" && (result.GetValue(only) is not [_, ..] works || works.Except(s_onCuda).Any()))
                result.AddError($"--device cuda is for --only {string.Join(' ', s_onCuda)}.");
            if (!result.IsTyped(kernels)) return;
            foreach (var name in result.GetValue(only) ?? [])
            {
                if (s_works.Any(work => work.Name == name && !work.TakesKernels))
                    result.AddError($"--kernels does not fit --only {name}; it is for {s_withKernels}.");
            }
        });
        command.SetAction(
            parse => Run(
                parse.GetValue(only) ?? [],
                new(
                    parse.GetValue(threads), parse.GetValue(seconds), [.. (parse.GetValue(kernels) ?? []).Distinct()],
                    parse.GetValue(maps) is { Length: > 0 } typed ? typed : StageMap.Large, parse.GetValue(device) == "cuda")
                {
                    Stride = parse.GetValue(stride),
                    Libtorch = parse.GetValue(libtorch),
                },
                parse.GetValue(json)));
        return command;
    }

    private static int Run(string[] only, RatioSettings settings, FileInfo? json)
    {
        if (settings.OnCuda && !torch.cuda.is_available())
        {
            Console.Error.WriteLine("--device is cuda, but Torch sees no CUDA device; cpu works everywhere.");
            return 1;
        }

        if (!StepMemory.GivesMemoryBack) GlibcAllocator.Tune();
        Nnpack.SwitchOffWhereUnsupported();
        torch.set_num_threads(settings.Threads);
        var results = new List<RatioResult>();
        foreach (var (name, takesKernels, run) in s_works)
        {
            // The memory of a step stands in the rows of net-train too, the published networks in those of net-eval.
            var isWanted = only.Length > 0 ? only.Contains(name)
                : settings.Kernels.Count > 0 ? takesKernels
                : name is not (StepMemory.Work or CompiledWorks.Published);
            if (!isWanted) continue;
            foreach (var result in run(settings))
            {
                results.Add(result);
                Console.WriteLine(RatioText.Line(result));
            }
        }

        var report = new RatioReport(
            settings.OnCuda ? Machine.Gpu : Machine.Cpu, [.. Machine.Describe(settings.Threads, settings.Libtorch)], settings.Threads,
            results);
        Console.WriteLine();
        Console.Write(RatioText.Tables(report));
        if (json is not null) RatioText.Write(report, json, only, settings);
        return 0;
    }
}

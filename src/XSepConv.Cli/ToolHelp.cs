using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace XSepConv.Cli;

/// <summary><c>--help</c>: the generated text, then examples; the exit codes where they matter.</summary>
internal static class ToolHelp
{
    private const int WidestText = 100;

    private static readonly Dictionary<string, string[]> Examples = new()
    {
        [Tool.Name] =
        [
            "xsepconv compare",
            "xsepconv summary",
            "xsepconv train --data shapes --epochs 5 --out runs/shapes",
            "xsepconv evaluate --checkpoint runs/shapes/best.safetensors --data shapes",
            "xsepconv predict --checkpoint runs/shapes/best.safetensors photo.jpg",
            "xsepconv plan 6",
        ],
        ["train"] =
        [
            "xsepconv train                                      generated shapes, three epochs, into runs/shapes",
            "xsepconv train --data fashion-mnist --epochs 3 --out runs/fashion",
            "xsepconv train --data fashion-mnist --epochs 3 --out runs/fashion --resume",
            "xsepconv train --model mobilenet-v3-small-twin --out runs/twin --json > twin.json",
            "xsepconv train --data cifar-10 --recipe standard --ema 0.999 --patience 10",
            "mpirun -np 2 xsepconv train --distributed mpi      one network, by two processes (Open MPI)",
        ],
        ["compare"] =
        [
            "xsepconv compare                                    generated shapes, small networks, about two minutes; open runs/compare-shapes/report.html",
            "xsepconv compare --data fashion-mnist --recipe standard --seeds 5 --out runs/fashion-compare",
            "xsepconv compare --data cifar-10 --recipe standard --kernels 5,7,9",
        ],
        ["ablate"] =
        [
            "xsepconv ablate                                     generated shapes, small networks",
            "xsepconv ablate --data fashion-mnist --recipe standard --out runs/fashion-ablate",
        ],
        ["evaluate"] =
        [
            "xsepconv evaluate --checkpoint runs/fashion/best.safetensors",
            "xsepconv evaluate --checkpoint runs/fashion/best.safetensors --data fashion-mnist --json",
            "xsepconv evaluate --checkpoint runs/folder/best.safetensors --data folder --data-root ~/other-pictures",
        ],
        ["predict"] =
        [
            "xsepconv predict --checkpoint runs/folder/best.safetensors photo.jpg",
            "xsepconv predict --checkpoint runs/folder/best.safetensors --top 1 --json photos/*.jpg",
        ],
        ["summary"] =
        [
            "xsepconv summary                                    the paper's network at 3×224×224",
            "xsepconv summary --model mobilenet-v3-small-twin    its depthwise twin, for comparison",
            "xsepconv summary --preset cifar --classes 10 --kernels 7",
            "xsepconv summary --width 0.5 --input 3x160x160 --json",
        ],
        ["profile"] =
        [
            "xsepconv profile                                    the paper's network at 3×224×224, random weights",
            "xsepconv profile --checkpoint runs/shapes/best.safetensors --batch 32",
            "xsepconv profile --model mobilenet-v3-small-twin --size 160 --threads 2 --json",
        ],
        ["export"] =
        [
            "xsepconv export --checkpoint runs/shapes/best.safetensors --out network.onnx --normalize",
            "xsepconv export --checkpoint runs/shapes/best.safetensors --format safetensors --out weights.safetensors",
            "xsepconv export --checkpoint runs/shapes/best.safetensors --format dot | dot -Tsvg > network.svg",
        ],
        ["plan"] =
        [
            "xsepconv plan 6                    six 2×2 layers at one resolution",
            "xsepconv plan --stages 4,2 --json  four, then two at half the resolution, as JSON",
        ],
    };

    /// <summary>Adds the examples to the help of every command, and makes a bare <c>xsepconv</c> print help.</summary>
    public static void Install(RootCommand root)
    {
        var help = root.Options.OfType<HelpOption>().Single();
        var action = new WithExamples((HelpAction)help.Action!);
        help.Action = action;
        root.SetAction(result => action.Invoke(result));
    }

    private sealed class WithExamples(HelpAction generated) : SynchronousCommandLineAction
    {
        public override bool ClearsParseErrors => true;

        public override int Invoke(ParseResult parseResult)
        {
            generated.MaxWidth = Console.IsOutputRedirected ? WidestText : Math.Clamp(Console.WindowWidth, 40, WidestText);
            generated.Invoke(parseResult);
            var command = parseResult.CommandResult.Command;
            var output = parseResult.InvocationConfiguration.Output;
            Section(output, "Examples:", Examples.GetValueOrDefault(command is RootCommand ? Tool.Name : command.Name, []));
            if (command is RootCommand) Section(output, "Exit codes:", ExitCodes);
            return ExitCode.Done;
        }

        private static void Section(TextWriter output, string title, string[] lines)
        {
            if (lines.Length == 0) return;
            output.WriteLine(title);
            foreach (var line in lines) output.WriteLine($"  {line}");
            output.WriteLine();
        }
    }

    private static readonly string[] ExitCodes =
    [
        $"{ExitCode.Done}    done",
        $"{ExitCode.Failed}    the work failed, for example because the loss became NaN",
        $"{ExitCode.BadInput}    wrong input: an option, a file; one line on stderr says which and what would be right",
        $"{ExitCode.Interrupted}  stopped by Ctrl-C after a step, saved ({ExitCode.Terminated}: by SIGTERM, {ExitCode.HungUp}: by SIGHUP)",
    ];
}

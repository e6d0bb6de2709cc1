using System.CommandLine;

namespace XSepConv.Benchmarks;

/// <summary>The commands that run BenchmarkDotNet: every case in a process of its own.</summary>
internal static class BenchmarkCommands
{
    public static Command Blocks() => Create<BlockBenchmarks>(
        "blocks", "XSepBlock against DwBlock of the same kernel size.", "XSepBlock against DwBlock", BlockBenchmarks.Description);

    public static Command Networks() => Create<NetworkBenchmarks>(
        "networks", "XSepMobileNetV3-Small against its depthwise twin.", "XSepMobileNetV3-Small against its depthwise twin",
        NetworkBenchmarks.Description);

    private static Command Create<TBenchmarks>(string name, string help, string title, string description)
        where TBenchmarks : TorchBenchmark
    {
        var quick = new Option<bool>("--quick")
        {
            Description = "Few and short iterations: an impression in minutes. Written as <name>-quick.md.",
        };
        var threads = new Option<int>("--threads") { Description = "Threads libtorch may use.", DefaultValueFactory = _ => 1 };
        threads.Validators.Add(result =>
        {
            if (result.Tokens.Count > 0 && result.GetValueOrDefault<int>() is < 1 or > 1024)
                result.AddError($"--threads is {result.Tokens[0].Value}; give a number from 1 to 1024.");
        });
        var output = new Option<DirectoryInfo?>("--out")
        {
            Description = "Folder for the results, one folder a CPU in it; benchmarks/results of the repository by default.",
        };

        var command = new Command(name, help) { quick, threads, output };
        command.SetAction(parse => new BenchmarkRun(
            name, title, description, parse.GetValue(quick), parse.GetValue(threads), parse.GetValue(output)?.FullName
                ?? Repository.Results).Execute<TBenchmarks>());
        return command;
    }
}

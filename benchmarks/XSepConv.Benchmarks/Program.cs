using System.CommandLine;
using XSepConv.Benchmarks;

return new RootCommand("Measures XSepConv against the depthwise convolution it replaces.")
{
    BenchmarkCommands.Blocks(),
    BenchmarkCommands.Networks(),
    FitCommand.Create(),
}.Parse(args).Invoke();

using System.CommandLine;
using XSepConv.Benchmarks;
using XSepConv.Benchmarks.Pictures;
using XSepConv.Benchmarks.Ratios;
using XSepConv.Benchmarks.Serving;
using XSepConv.Benchmarks.Starting;

return new RootCommand("Measures XSepConv against the depthwise convolution it replaces.")
{
    BenchmarkCommands.Blocks(),
    BenchmarkCommands.Networks(),
    FitCommand.Create(),
    CurvesCommand.Create(),
    RatiosCommand.Create(),
    PictureCommand.Create(),
    LoadCommand.Create(),
    StartCommand.Create(),
}.Parse(args).Invoke();

using System.CommandLine;
using TorchSharp;
using XSepConv.Cli.Startup;

namespace XSepConv.Benchmarks;

/// <summary>The command that sets loss curves of fused and of composed training side by side.</summary>
internal static class CurvesCommand
{
    public static Command Create()
    {
        var steps = new Option<int>("--steps") { Description = "Training steps of 32 images.", DefaultValueFactory = _ => 200 };
        steps.Validators.Add(result =>
        {
            if (result.Tokens.Count > 0 && result.GetValueOrDefault<int>() is < LossCurves.Window or > 1_000)
                result.AddError($"--steps is {result.Tokens[0].Value}; give a number from {LossCurves.Window} to 1000.");
        });
        var seeds = new Option<int>("--seeds") { Description = "Runs with other seeds.", DefaultValueFactory = _ => 3 };
        seeds.Validators.Add(result =>
        {
            if (result.Tokens.Count > 0 && result.GetValueOrDefault<int>() is < 1 or > 100)
            {
                result.AddError($"--seeds is {result.Tokens[0].Value}; give a number from 1 to 100.");
            }

        });
        var command = new Command("curves",
            "Loss curves on Fashion-MNIST: fused, composed, and composed from weights moved by a rounding error.") { steps, seeds };
        command.SetAction(parse =>
        {
            GlibcAllocator.KeepFreedMemory();
            Nnpack.SwitchOffWhereUnsupported();
            torch.set_num_threads(1);
            new LossCurves(parse.GetValue(steps)).Run(parse.GetValue(seeds));
        });
        return command;
    }
}

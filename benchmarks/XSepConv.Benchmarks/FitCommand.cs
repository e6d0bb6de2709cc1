using System.CommandLine;
using TorchSharp;
using XSepConv.Cli.Startup;

namespace XSepConv.Benchmarks;

/// <summary>The command that measures what fitting is worth in a conversion.</summary>
internal static class FitCommand
{
    public static Command Create()
    {
        var images = Count("--images", "Training images, and test images at most.", 10_000, 256, 60_000);
        var kernel = new Option<int>("--kernel")
        {
            Description = "K of the network that is converted: 5, 7, 9, 11 …",
            DefaultValueFactory = _ => 5,
        };
        kernel.Validators.Add(result =>
        {
            if (result.Tokens.Count > 0 && result.GetValueOrDefault<int>() is var k && (k < 5 || k % 2 == 0 || k > 31))
                result.AddError($"--kernel is {k}; give an odd number from 5 to 31.");
        });
        var epochs = Count("--epochs", "Epochs before the conversion.", 4, 1, 1_000);
        var seeds = Count("--seeds", "Runs with other seeds, of which the means are printed.", 1, 1, 100);
        var threads = Count("--threads", "Threads libtorch may use.", 1, 1, 1024);
        var command = new Command(
            "fit", "What fitting is worth when a trained network is converted: output distance and accuracy on "
            + "Fashion-MNIST against random weights.")
        {
            images, kernel, epochs, seeds, threads,
        };
        command.SetAction(parse =>
        {
            GlibcAllocator.KeepFreedMemory();
            Nnpack.SwitchOffWhereUnsupported();
            torch.set_num_threads(parse.GetValue(threads));
            new FitExperiment(parse.GetValue(images), parse.GetValue(kernel), parse.GetValue(epochs), parse.GetValue(threads))
                .Run(parse.GetValue(seeds));
        });
        return command;
    }

    private static Option<int> Count(string name, string description, int value, int least, int most)
    {
        var option = new Option<int>(name) { Description = description, DefaultValueFactory = _ => value };
        option.Validators.Add(result =>
        {
            if (result.Tokens.Count > 0 && (result.GetValueOrDefault<int>() < least || result.GetValueOrDefault<int>() > most))
                result.AddError($"{name} is {result.Tokens[0].Value}; give a number from {least} to {most}.");
        });
        return option;
    }
}

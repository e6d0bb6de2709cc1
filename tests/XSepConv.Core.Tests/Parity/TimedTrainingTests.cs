using System.Text.Json;

namespace XSepConv.Core.Tests.Parity;

/// <summary><c>time_training.py</c> times the networks of <c>ratios --only net-train</c>.</summary>
public sealed class TimedTrainingTests
{
    private static string Script { get; } =
        Path.Combine(Documentation.Repository.Root, "interop", "pytorch", "time_training.py");

    [Theory]
    [InlineData(null)]
    [InlineData(9)]
    public async Task It_prints_a_line_about_networks_of_our_sizes(int? kernel)
    {
        var python = await Python();
        string[] chosen = kernel is { } k ? ["--kernel", $"{k}"] : [];
        var output = await PythonWithTorch.RunAsync(
            python, [Script, "--batch", "2", "--image-size", "8", "--seconds", "0", .. chosen], TestContext.Current.CancellationToken);

        var report = JsonDocument.Parse(Assert.Single(output.Split('\n', StringSplitOptions.RemoveEmptyEntries))).RootElement;
        var options = new MobileNetV3Options { Preset = ImagePreset.Cifar, NumClasses = 10 };
        var xsep = MobileNetV3SmallSpec.XSep(options);
        bool[] isXSep = [.. xsep.Blocks.Select(row => row.Kind == BlockKind.XSep)];
        Assert.Equal("2x3x8x8", report.GetProperty("shape").GetString());
        Assert.Equal(1, report.GetProperty("threads").GetInt32());
        foreach (var (name, spec) in new[] { ("xsep", xsep), ("twin", MobileNetV3SmallSpec.Twin(options)) })
        {
            using var network = new MobileNet(spec with
            {
                Blocks = [.. spec.Blocks.Select((row, i) => isXSep[i] ? row with { Kernel = kernel ?? row.Kernel } : row)],
            });
            Assert.Equal(
                network.parameters().Sum(parameter => parameter.numel()), report.GetProperty("parameters").GetProperty(name).GetInt64());
            Assert.True(report.GetProperty("ms").GetProperty(name).GetDouble() > 0);
        }
    }

    [Theory]
    [InlineData("argument --batch: it is '1'; it must be a whole number from 2 to 65536", "--batch", "1")]
    [InlineData("argument --kernel: it is '4'; it must be an odd number from 3 to 63", "--kernel", "4")]
    [InlineData("argument --seconds: it is 'nan'; it must be a number from 0 to 3600", "--seconds", "nan")]
    public async Task Bad_input_is_refused_by_name(string expected, params string[] arguments)
    {
        var python = await Python();

        var error = await Assert.ThrowsAsync<InvalidOperationException>(
            () => PythonWithTorch.RunAsync(python, [Script, .. arguments], TestContext.Current.CancellationToken));
        Assert.Contains(expected, error.Message);
    }

    private static async Task<string> Python()
    {
        var python = await PythonWithTorch.FindAsync(TestContext.Current.CancellationToken);
        Assert.SkipWhen(python is null, "No Python with torch here (Debian: apt-get install python3-torch).");
        return python!;
    }
}

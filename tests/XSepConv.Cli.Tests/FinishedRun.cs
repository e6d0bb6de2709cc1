
namespace XSepConv.Cli.Tests;

/// <summary>A tiny run that nobody interrupted, trained once for all tests that look at one or compare with one.</summary>
public sealed class FinishedRun : IAsyncLifetime
{
    /// <summary>The images that were learned from, with a seed of their own: <c>evaluate</c> is not told it.</summary>
    public const string Data = "shapes";

    public const string Limit = "150";

    private readonly string folder = Directory.CreateTempSubdirectory("xsepconv-").FullName;

    public string Output => Path.Combine(folder, "run");

    public string Best => Path.Combine(Output, "best.safetensors");

    public int ExitCode { get; private set; }

    public string Out { get; private set; } = "";

    public string Error { get; private set; } = "";

    /// <summary>Three epochs of few steps, each saved.</summary>
    public static string[] Arguments(string output) =>
    [
        "train", "--data", Data, "--limit", Limit, "--width", "0.1", "--epochs", "3", "--batch", "32", "--seed", "7", "--threads", "1",
        "--save-every", "1", "--json", "--out", output,
    ];

    public async ValueTask InitializeAsync() => (ExitCode, Out, Error) = await ToolProcess.Run(Arguments(Output));

    public ValueTask DisposeAsync()
    {
        Directory.Delete(folder, recursive: true);
        return ValueTask.CompletedTask;
    }
}

/// <summary>The test classes that share a <see cref="FinishedRun"/>.</summary>
[CollectionDefinition]
public sealed class FinishedRunTests : ICollectionFixture<FinishedRun>;

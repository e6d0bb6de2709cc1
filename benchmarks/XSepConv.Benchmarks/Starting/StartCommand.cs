using System.CommandLine;
using System.ComponentModel;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Encodings.Web;
using System.Text.Json;
using XSepConv.Cli;
using XSepConv.Cli.Arguments;

namespace XSepConv.Benchmarks.Starting;

/// <summary>
/// The command that starts <c>samples/Classify</c> and the same with ONNX Runtime in turns, files in the system's cache, by a clock of its
/// own.
/// </summary>
internal static class StartCommand
{
    private const int WarmUp = 3;

    // What a process costs that does nothing.
    private const string Nothing = "/bin/true";

    private static readonly JsonSerializerOptions s_json = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    public static Command Create()
    {
        var checkpoint = File("--checkpoint", "What is loaded: a file of 'xsepconv train'.", "models", "cifar-10.safetensors");
        var picture = File(
            "--picture", "What is classified.", "tests", "XSepConv.Training.Tests", "Data", "Fixtures", "kinds", "rgb.png");
        var starts = CheckedOption.Whole("--starts", 1, 100_000, 101, "Starts of each program that count.");
        var json = new Option<FileInfo?>("--json") { Description = "Where to write the results as JSON." };
        var command = new Command(
            "start", "From the start of a process to its first answer: samples/Classify and ONNX Runtime, both published, in turns.")
        {
            checkpoint, picture, starts, json,
        };
        command.SetAction(parse => Run(
            parse.GetValue(checkpoint)!.FullName, parse.GetValue(picture)!.FullName, parse.GetValue(starts), parse.GetValue(json)));
        return command;
    }

    private static int Run(string checkpoint, string picture, int starts, FileInfo? json)
    {
        var folder = Directory.CreateTempSubdirectory("xsepconv-");
        try
        {
            var onnx = Path.Combine(folder.FullName, "network.onnx");
            if (Tool.Run(["export", "--checkpoint", checkpoint, "--out", onnx, "--normalize"], new() { Output = TextWriter.Null }) != 0)
                return 1;
            List<Starter> answering =
            [
                new("classify", Published("samples/Classify", "classify"), checkpoint, picture),
                new("onnx-classify", Published("benchmarks/OnnxClassify", "onnx-classify"), onnx, picture),
            ];
            List<Starter> all = System.IO.File.Exists(Nothing) ? [.. answering, new("true", Nothing)] : answering;
            for (var round = -WarmUp; round < starts; round++)
            {
                for (var turn = 0; turn < all.Count; turn++) all[(turn + round + WarmUp) % all.Count].Start(counts: round >= 0);
                var (ours, theirs) = (answering[0].Classes, answering[1].Classes);
                if (ours.Count == 0 || !ours.SequenceEqual(theirs))
                {
                    throw new InvalidOperationException(
                        $"The classes differ: {string.Join(", ", ours)} by classify, {string.Join(", ", theirs)} by ONNX Runtime.");
                }
            }

            Report(new(
                Machine.Processor, $".NET {Environment.Version}, ONNX Runtime {OnnxRuntimeVersion}, {RuntimeInformation.OSDescription}",
                Path.GetFileName(checkpoint), Path.GetFileName(picture), starts, answering[0].Classes, [.. all.Select(one => one.Result)]),
                json);
            return 0;
        }
        catch (Exception e) when (e is InvalidOperationException or IOException or Win32Exception or UnauthorizedAccessException)
        {
            Console.Error.WriteLine(e.Message);
            return 1;
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static string OnnxRuntimeVersion => Machine.VersionOf(typeof(Microsoft.ML.OnnxRuntime.SessionOptions).Assembly);

    private static void Report(StartReport report, FileInfo? json)
    {
        Console.WriteLine(
            $"{report.Machine}; {report.Versions}\n{report.Starts} starts of each in turns, {report.Checkpoint}, {report.Picture}: "
            + string.Join(", ", report.Classes));
        foreach (var (program, first, exit, least, most) in report.Results)
        {
            var answer = first is { } ms ? string.Create(CultureInfo.InvariantCulture, $"first class after {ms:0.0} ms, ") : "";
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture, $"{program}: {answer}gone after {exit:0.0} ms ({least:0.0} to {most:0.0})"));
        }

        if (json is null) return;
        json.Directory?.Create();
        System.IO.File.WriteAllText(json.FullName, JsonSerializer.Serialize(report, s_json).ReplaceLineEndings("\n") + "\n");
    }

    /// <exception cref="FileNotFoundException">It was not published; says by which command it is.</exception>
    private static string Published(string project, string program)
    {
        var folder = Path.Combine(Root, project, "bin", "Release", "net10.0", RuntimeInformation.RuntimeIdentifier, "publish");
        var path = Path.Combine(folder, OperatingSystem.IsWindows() ? $"{program}.exe" : program);
        return System.IO.File.Exists(path) ? path
            : throw new FileNotFoundException($"{path} is missing: dotnet publish {project} -c Release");
    }

    private static Option<FileInfo> File(string name, string description, params string[] usual) => new(name)
    {
        Description = description,
        DefaultValueFactory = _ => new(Path.Combine([Root, .. usual])),
    };

    private static string Root => Repository.Root ?? Environment.CurrentDirectory;

    private sealed record StartReport(
        string Machine, string Versions, string Checkpoint, string Picture, int Starts, IReadOnlyList<string> Classes,
        IReadOnlyList<StartResult> Results);
}

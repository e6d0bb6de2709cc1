using System.Globalization;
using System.Text;
using System.Text.Json;

namespace XSepConv.Cli.Tests;

/// <summary><c>predict --stream</c> with real pipes at both ends.</summary>
[Collection(typeof(FinishedRunTests))]
public sealed class PredictStreamTests(FinishedRun finished) : IDisposable
{
    // What the kernel holds of a pipe, and .NET's reader of one; both are of this process's making or smaller.
    private const int PipeCapacity = 1 << 16;

    private readonly string folder = Directory.CreateTempSubdirectory("xsepconv-").FullName;

    private static string Picture => Pictures.At("images/rgb.png");

    [Fact]
    public async Task Who_waits_for_an_answer_gets_it_as_predict_gives_it()
    {
        string[] files = [Picture, Pictures.At("images/grey.jpg"), Pictures.At("images/deep.png"), At("none.png"), Picture];
        var (_, report, _) = Here.Run(["predict", "--checkpoint", finished.Best, "--top", "3", "--json", .. files]);
        var expected = JsonDocument.Parse(report).RootElement.GetProperty("images").EnumerateArray().Select(one => one.GetRawText());

        using var tool = Stream("--top", "3");
        List<string?> answers = [];
        foreach (var file in files)
        {
            await Write(tool, $"{file}\n");
            answers.Add(await tool.ReadLine());
        }

        tool.Input.Close();
        var (exitCode, rest, error) = await tool.Finish();
        Assert.Equal(expected, answers);
        Assert.Equal((2, ""), (exitCode, rest));
        Assert.Equal("xsepconv predict: 1 of 5 lines got an error for an answer.", Here.Message(error));
    }

    [Fact]
    public async Task Many_at_once_are_answered_in_their_order()
    {
        string[] files = ["rgb.png", "scale.png", "grey.jpg", "alpha.png", "baseline.jpg"];
        string[] many = [.. Enumerable.Range(0, 203).Select(i => Pictures.At($"images/{files[i % files.Length]}"))];
        var (_, report, _) = Here.Run(["predict", "--checkpoint", finished.Best, "--json", .. many]);

        using var tool = Stream("--json", "--threads", $"{Math.Min(2, Environment.ProcessorCount)}");
        await Write(tool, string.Join("\r\n", many));
        tool.Input.Close();
        var (exitCode, output, error) = await tool.Finish();

        Assert.Equal((0, ""), (exitCode, error));
        Assert.Equal(JsonDocument.Parse(report).RootElement.GetProperty("images").EnumerateArray().Select(one => one.GetRawText()),
            output.Split(Environment.NewLine, StringSplitOptions.RemoveEmptyEntries));
    }

    [Fact]
    public async Task Whatever_a_line_leads_to_has_its_answer_and_the_stream_goes_on()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows allows no such names.");
        var hostile = At("cat\u001b[2J\u202e\u0085 \"\\ größer.png");
        File.Copy(Picture, hostile);
        File.WriteAllText(At("text.png"), "no picture");
        (string Line, string? Error)[] lines =
        [
            (Picture, null), (hostile, null), ("", "line 3 is empty"), (At("text.png"), "is neither a PNG nor a JPEG file"),
            (folder, "is a folder"), (At("none\u001b.png"), "there is no such file"), ("/dev/zero", "is a device"),
            (Obstacle.Make(Obstacle.Fifo, folder), "is a FIFO"), ("-", "there is no such file"), ("a\0b", "has a zero byte"),
            (new string('x', 5_000), "too long"), (new string('x', 70_000), "line 12 has more than 65536 bytes"), (Picture, null),
        ];

        using var tool = Stream();
        await Write(tool, string.Concat(lines.Select(line => $"{line.Line}\n")));
        byte[] latin = [.. "caf"u8, 0xE9, (byte)'\n'];
        await tool.Input.WriteAsync(latin, TestContext.Current.CancellationToken);
        tool.Input.Close();
        var (exitCode, output, error) = await tool.Finish();

        Assert.Equal(2, exitCode);
        Assert.Equal("xsepconv predict: 11 of 14 lines got an error for an answer.", Here.Message(error));
        Assert.DoesNotContain(output, letter => letter != '\n' && (char.IsControl(letter) || letter == '\u202e'));
        var answers = output.Split('\n')[..^1].Select(line => JsonDocument.Parse(line).RootElement).ToArray();
        Assert.Equal(lines.Length + 1, answers.Length);
        for (var i = 0; i < lines.Length; i++)
        {
            var file = answers[i].GetProperty("file").GetString()!;
            Assert.Equal(lines[i].Line.Length > 65_536 ? $"{lines[i].Line[..200]}…" : lines[i].Line, file);
            Assert.Equal(lines[i].Error is null, answers[i].TryGetProperty("top", out _));
            if (lines[i].Error is { } expected)
            {
                Assert.Contains(expected, answers[i].GetProperty("error").GetString(), StringComparison.OrdinalIgnoreCase);
            }
        }

        Assert.Equal("caf\uFFFD: has a name that is not UTF-8; rename it.", answers[^1].GetProperty("error").GetString());
    }

    /// <summary>A writer that nobody's reading keeps up with waits: what was taken is what was answered and what pipes hold.</summary>
    [Fact]
    public async Task No_more_is_read_than_is_answered()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Pipes are of another size here.");
        var line = Encoding.UTF8.GetBytes($"{At("none.png")}\n");
        const int Count = 10_000;
        long written = 0;
        using var tool = Stream();
        var writing = Task.Run(async () =>
        {
            for (var i = 0; i < Count; i++)
            {
                await tool.Input.WriteAsync(line, TestContext.Current.CancellationToken);
                Interlocked.Add(ref written, line.Length);
            }

            tool.Input.Close();
        }, TestContext.Current.CancellationToken);

        long answered = 0, answeredBytes = 0;
        while (await tool.ReadLine() is { } answer)
        {
            // Answers are longer than lines, so that a full pipe of them is of fewer lines than a full pipe of lines.
            Assert.True(answer.Length > line.Length);
            answered += line.Length;
            answeredBytes += answer.Length;
            Assert.InRange(Interlocked.Read(ref written) - answered, 0, (3 * PipeCapacity) + (100 * line.Length));
        }

        await writing;
        Assert.Equal(Count * (long)line.Length, answered);
        Assert.Equal(2, (await tool.Finish()).ExitCode);
    }

    [Fact]
    public async Task Memory_does_not_grow_with_the_lines()
    {
        // Names so long and so many that a heap with all of them in it is seen.
        const int Count = 14_000, Warm = 2_000;
        const long Most = 40L << 20;
        var line = Encoding.UTF8.GetBytes($"{At(string.Join('/', Enumerable.Repeat(new string('n', 200), 18)))}.png\n");
        var picture = Encoding.UTF8.GetBytes($"{Picture}\n");
        using var tool = Stream("--top", "1");
        var writing = Task.Run(async () =>
        {
            for (var i = 0; i < Count; i++)
            {
                await tool.Input.WriteAsync(i % 10 == 0 ? picture : line, TestContext.Current.CancellationToken);
            }

            tool.Input.Close();
        }, TestContext.Current.CancellationToken);

        long answers = 0, warm = 0, most = 0;
        while (await tool.ReadLine() is { } answer)
        {
            Assert.Equal(answers++ % 10 == 0, answer.Contains("\"top\"", StringComparison.Ordinal));
            if (answers == Warm) warm = tool.WorkingSet;
            if (answers > Warm && answers % 2_000 == 0) most = Math.Max(most, tool.WorkingSet);
        }

        await writing;
        Assert.Equal(Count, answers);
        var found = string.Create(CultureInfo.InvariantCulture, $"{warm:N0} bytes after {Warm:N0} lines, then {most:N0}");
        TestContext.Current.TestOutputHelper?.WriteLine(found);
        Assert.True((Count - Warm) * 2L * line.Length > 2 * Most);
        Assert.True(most - warm < Most, found);
    }

    [Theory]
    [InlineData(false, 143)]
    [InlineData(true, 130)]
    public async Task A_signal_ends_the_waiting_after_the_last_answer(bool interrupt, int expected)
    {
        using var tool = Stream();
        await Write(tool, $"{Picture}\n");
        Assert.Contains("\"top\"", await tool.ReadLine(), StringComparison.Ordinal);
        if (interrupt) tool.Interrupt();
        else tool.Terminate();
        var (exitCode, rest, error) = await tool.Finish();

        Assert.Equal((expected, ""), (exitCode, rest));
        Assert.Equal("xsepconv predict: Stopped; 1 lines were answered.", Here.Message(error));
    }

    [Fact]
    public async Task A_signal_in_the_middle_of_a_stream_leaves_whole_answers()
    {
        using var tool = Stream();
        var writing = Task.Run(async () =>
        {
            try
            {
                while (true) await Write(tool, $"{Picture}\n");
            }
            catch (IOException)
            {
                // It has ended.
            }
        }, TestContext.Current.CancellationToken);
        Assert.NotNull(await tool.ReadLine());
        tool.Terminate();
        var (exitCode, rest, error) = await tool.Finish();
        await writing;

        Assert.Equal(143, exitCode);
        Assert.EndsWith("\n", rest, StringComparison.Ordinal);
        var answers = rest.Split('\n')[..^1];
        Assert.All(answers, answer => Assert.Equal(Picture, JsonDocument.Parse(answer).RootElement.GetProperty("file").GetString()));
        Assert.Equal($"xsepconv predict: Stopped; {answers.Length + 1:N0} lines were answered.", Here.Message(error));
    }

    [Fact]
    public async Task A_reader_that_leaves_ends_the_stream()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Needs bash.");
        var (exitCode, _, error) = await ToolProcess.RunUnder(
            ["bash", "-c", "set -o pipefail; yes none.png 2> /dev/null | \"$0\" \"$@\" | head -n 1 > /dev/null"], "predict",
            "--checkpoint", finished.Best, "--stream");

        Assert.Equal(1, exitCode);
        Assert.StartsWith("xsepconv predict: Standard output can't be written: ", Here.Message(error), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("< /dev/null", 0, "")]
    [InlineData("<&-", 2, "xsepconv predict: Standard input can't be read: it is closed.")]
    [InlineData("< .", 2, "xsepconv predict: Standard input can't be read: ")]
    public async Task Input_that_holds_nothing_or_cant_be_read_is_no_crash(string redirection, int expected, string said)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Needs bash.");
        var (exitCode, output, error) = await ToolProcess.RunUnder(
            ["bash", "-c", $"\"$0\" \"$@\" {redirection}"], "predict", "--checkpoint", finished.Best, "--stream");

        Assert.Equal((expected, ""), (exitCode, output));
        Assert.StartsWith(said, error, StringComparison.Ordinal);
        Assert.Equal(said.Length == 0, error.Length == 0);
    }

    [Theory]
    [InlineData("--stream reads names from standard input, so IMAGE is 'a.png' for nothing", "--stream", "a.png")]
    [InlineData("IMAGE is '-': names come from standard input by --stream; a file of that name is './-'.", "-")]
    [InlineData("Required argument 'IMAGE' missing; names come from standard input by --stream.", "--json")]
    [InlineData("There is no option '--streams' here. Did you mean '--stream'?", "--streams")]
    public void What_makes_no_sense_together_is_refused(string expected, params string[] args) =>
        Assert.Contains(expected, Here.Refusal(["predict", "--checkpoint", finished.Best, .. args]), StringComparison.Ordinal);

    public void Dispose()
    {
        foreach (var path in Directory.GetFiles(folder, "obstacle")) File.Delete(path);
        Directory.Delete(folder, recursive: true);
    }

    private ToolProcess Stream(params string[] options) =>
        ToolProcess.Talk(["predict", "--checkpoint", finished.Best, "--stream", .. options]);

    private static async Task Write(ToolProcess tool, string text)
    {
        await tool.Input.WriteAsync(Encoding.UTF8.GetBytes(text), TestContext.Current.CancellationToken);
        await tool.Input.FlushAsync(TestContext.Current.CancellationToken);
    }

    private string At(string name) => Path.Combine(folder, name);
}

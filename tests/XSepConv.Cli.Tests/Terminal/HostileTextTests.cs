using System.Globalization;
using System.Text.Json;
using XSepConv.Cli.Terminal;

namespace XSepConv.Cli.Tests;

/// <summary>Names of foreign files never steer a terminal.</summary>
public sealed class HostileTextTests : IDisposable
{
    // Clears the screen, sets a title, goes back, turns the direction, ends the line, begins a C1 sequence, a pair of which one half is
    // missing comes through no JSON.
    private const string Hostile =
        "cat\u001b[2J\u001b]0;title\u0007\r\b\u202egnp\u2066\u200f\u061c\u2028\u0085\u009b31m\u007f\nxsepconv: all is well";

    // 16×16 pixels of a slope.
    private const string Png =
        "iVBORw0KGgoAAAANSUhEUgAAABAAAAAQCAIAAACQkWg2AAABTUlEQVR42mNgYOcTlVHWMrSwd/MNiU7KLCiva+2ZPGvhivXb9h45fenmg+fvvv5h5hKUkFfT"
        + "NbF28mQgpCAgPC41p7iqsaN/2twlqzftZCCk4MDxc1fvPH718cd/Nl4RaSVNBkIKDMztXH2CoxIz8stqW7onzWQgpGDB8nVb9xw+dfHG/Wdvv/xm4mQgpEBA"
        + "XE5Vx9jK0cM/LDYlu6iSgZCChva+qXMWr9q4Y/+xs1duP3rJQEjBh+//WHmEpRQ19M1sXbyDIhkIKUhIzyutae6aOGP+srVbdh86yUBIwYXr956++fyLkYNf"
        + "TFZF28iSgZACB3e/0JjkrMKK+rbeKbMXrWQgpGDD9n1Hz1y+9fDF+29/WbiFJBkIKVBQ1zO1cfYKjIhPyy2pbupkIKRgwvR5S9ds3nXwxPlrd5+8/vSTgaAC"
        + "tNTMQEgBemoGACzMfpCcZYb6AAAAAElFTkSuQmCC";

    private readonly string folder = Directory.CreateTempSubdirectory("xsepconv-").FullName;

    public static TheoryData<string> Lines =>
    [
        "predict --checkpoint FILE PICTURE",
        "predict --checkpoint FILE PICTURE --json",
        "predict --checkpoint FILE NAMED HOSTILE",
        "predict --checkpoint HOSTILE PICTURE",
        "evaluate --checkpoint FILE",
        "evaluate --checkpoint FILE --data shapes --limit 20",
        "export --checkpoint FILE --out ONNX",
        "export --checkpoint FILE --out ONNX --json",
        "export --checkpoint FILE --format dot",
        "export --checkpoint FILE --format mermaid",
        "export --checkpoint HOSTILE --out ONNX",
        "profile --checkpoint FILE",
        "profile --checkpoint FILE --json",
        "profile --checkpoint TENSORS",
        "evaluate --checkpoint TENSORS",
        "summary --model HOSTILE",
        "HOSTILE",
        "train --HOSTILE",
        "train --data-root HOSTILE --data folder --out OUT",
        "train --data folder --data-root CLASSES --epochs 1 --width 0.1 --batch 4 --image-size 16 --out OUT",
        "train --limit 20 --epochs 1 --width 0.1 --batch 8 --out HOSTILE",
        "compare --data folder --data-root CLASSES --epochs 0 --out OUT",
    ];

    [Theory]
    [MemberData(nameof(Lines))]
    public void Nothing_that_a_terminal_would_obey_is_written(string line)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows allows no such names.");
        var (exitCode, output, error) = Here.Run([.. line.Split(' ').Select(Word)]);

        Assert.InRange(exitCode, 0, 2);
        foreach (var (stream, text) in new[] { ("stdout", output), ("stderr", error) })
        {
            var raw = text.Where(letter => letter != '\n' && (char.IsControl(letter) || char.IsSurrogate(letter)
                || CharUnicodeInfo.GetUnicodeCategory(
                    letter) is UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator));
            Assert.True(!raw.Any(), $"{stream}: {string.Join(' ', raw.Distinct().Select(letter => $"U+{(int)letter:X4}"))}");

            // What follows the line end in a name is no line of its own.
            Assert.DoesNotContain("\nxsepconv: all is well", text, StringComparison.Ordinal);
        }

        Assert.DoesNotContain("Unexpected", error, StringComparison.Ordinal);
        if (exitCode != 0) Assert.NotEqual("", error);
        if (line.EndsWith("--json", StringComparison.Ordinal)) JsonDocument.Parse(output).Dispose();
    }

    [Fact]
    public void Json_has_the_very_names()
    {
        var (exitCode, output, error) = Here.Run("predict", "--checkpoint", Word("FILE"), Word("PICTURE"), "--json");
        Assert.True(exitCode == 0, error);
        var report = JsonDocument.Parse(output).RootElement;
        Assert.Equal(Hostile, report.GetProperty("model").GetString());
        Assert.Contains($"0{Hostile}",
            report.GetProperty("images")[0].GetProperty("top").EnumerateArray().Select(one => one.GetProperty("name").GetString()));
    }

    [Fact]
    public void A_message_is_of_bearable_length()
    {
        var name = new string('n', 1_000_000);
        var path = At("long.safetensors");
        using (var network = TrainedFile.Network(3, 2)) TrainedFile.Write(
            path, network, TrainedFile.Data(3, 20, name, "b") with { Name = name });
        foreach (var args in new string[][] { ["evaluate", "--checkpoint", path],
            ["evaluate", "--checkpoint", path, "--data", "shapes", "--limit", "20"] })
        {
            var (exitCode, _, error) = Here.Run(args);
            Assert.Equal(2, exitCode);
            Assert.InRange(Here.Message(error).Length, 4_000, 4_200);
            Assert.EndsWith(" more)", Here.Message(error), StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("plain, größer, 3×3 ½ 日本 😀", "plain, größer, 3×3 ½ 日本 😀")]
    [InlineData("\u001b[31m", @"\u001b[31m")]
    [InlineData("a\u0000b\u007f\u0080\u009f", @"a\u0000b\u007f\u0080\u009f")]
    [InlineData("\u061c\u200e\u200f\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069",
        @"\u061c\u200e\u200f\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")]
    [InlineData("a\nb\tc\r\nd", @"a\u000ab\u0009c\u000d\u000ad")]
    public void What_steers_a_terminal_is_shown_by_its_number(string text, string shown) => Assert.Equal(shown, Printable.Line(text));

    [Fact]
    public void Half_of_a_pair_is_shown_by_its_number()
    {
        Assert.Equal(@"\ud83d", Printable.Line("\ud83d"));
        Assert.Equal(@"\ude00\ud83d", Printable.Line("\ude00\ud83d"));
        Assert.Equal("\U0001F600", Printable.Line("\U0001F600"));
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private string At(string name) => Path.Combine(folder, name);

    private string Word(string word)
    {
        switch (word)
        {
            case "HOSTILE":
                return At(Hostile);
            case "--HOSTILE":
                return $"--{Hostile}";
            case "OUT":
                return At("out");
            case "ONNX":
                return At($"{Hostile}.onnx");
            case "PICTURE":
                return Picture(At("picture.png"));
            case "NAMED":
                return Picture(At($"{Hostile}.png"));
            case "CLASSES":
                foreach (var i in Enumerable.Range(0, 12))
                {
                    Picture(Path.Combine(
                        Directory.CreateDirectory(Path.Combine(At("classes"), $"{i % 2}{Hostile}")).FullName, $"{i}{Hostile}.png"));
                }

                return At("classes");
            case "FILE" or "TENSORS":
                var path = At("hostile.safetensors");
                using (var network = TrainedFile.Network(3, 2))
                {
                    var data = TrainedFile.Data(3, 20, $"0{Hostile}", $"1{Hostile}");
                    TrainedFile.Write(path, network, word == "FILE" ? data with { Name = Hostile } : data);
                }

                Rewrite(path, extraTensor: word == "TENSORS");
                return path;
            default:
                return word;
        }
    }

    /// <summary>The network by a hostile name, and a tensor of such a name.</summary>
    private static void Rewrite(string path, bool extraTensor)
    {
        List<SafeTensor> tensors;
        Dictionary<string, string> metadata;
        using (var file = SafeTensors.Open(path))
        {
            tensors = [.. file.Tensors.Values.Select(info => new SafeTensor(info.Name, info.Type, info.Shape, file.ReadBytes(info.Name)))];
            metadata = new(file.Metadata);
        }

        if (extraTensor) tensors.Add(new(Hostile, SafeTensorType.F32, [1], new byte[4]));
        metadata[NetworkSpec.MetadataKey] = (NetworkSpec.FromJson(metadata[NetworkSpec.MetadataKey]) with { Name = Hostile }).ToJson();
        SafeTensors.Write(path, tensors, metadata);
    }

    private static string Picture(string path)
    {
        File.WriteAllBytes(path, Convert.FromBase64String(Png));
        return path;
    }
}

using System.CommandLine;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using XSepConv.Benchmarks.Ratios;
using XSepConv.Training;

namespace XSepConv.Benchmarks.Pictures;

/// <summary>The command that draws what `ratios --kernels` measured.</summary>
internal static class PictureCommand
{
    /// <summary>Under which the picture says what it was drawn from.</summary>
    private const string Keyword = "Source";

    public static Command Create()
    {
        var json = new Option<FileInfo>("--json") { Description = "What `ratios --kernels … --json` wrote.", Required = true };
        var output = new Option<FileInfo>("--out") { Description = "Where to write the PNG.", Required = true };
        var shape = new Option<string>("--shape")
        {
            Description = "The maps to show, as in the JSON.",
            DefaultValueFactory = _ => StageMap.Large[0].Shape,
        };
        var command = new Command(
            "picture", "Draws time against kernel size, training and inference, from results of `ratios`; prints them as a table too.")
        {
            json, output, shape,
        };
        command.SetAction(parse => Run(parse.GetValue(json)!, parse.GetValue(output)!, parse.GetValue(shape)!));
        return command;
    }

    private static int Run(FileInfo json, FileInfo output, string shape)
    {
        try
        {
            if (!ReportCharts.HasFont) throw new ArgumentException("This system has no font; the picture would have no text.");
            var report = RatioText.Read(json.FullName);
            var curves = new KernelCurves(report, shape);
            var png = PngNote.Add(KernelPicture.Draw(curves, report, shape), Keyword, Source(json, shape));
            output.Directory?.Create();
            File.WriteAllBytes(output.FullName, png);
            Console.Write(curves.Table());
            return 0;
        }
        catch (Exception e) when (e is ArgumentException or JsonException or IOException or UnauthorizedAccessException)
        {
            Console.Error.WriteLine(e.Message);
            return 1;
        }
    }

    /// <summary>The file's digest, by which a test tells whether the picture is of the results as they are.</summary>
    private static string Source(FileInfo json, string shape)
    {
        var text = File.ReadAllText(json.FullName).ReplaceLineEndings("\n");
        return $"{json.Name} {shape} sha256:{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)))}";
    }
}

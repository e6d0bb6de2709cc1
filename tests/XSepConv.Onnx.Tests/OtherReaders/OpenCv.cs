using TorchSharp;
using static TorchSharp.torch;

namespace XSepConv.Onnx.Tests;

/// <summary>Collects exported modules, and has OpenCV (<c>cv2.dnn.readNetFromONNX</c>) run all of them at once.</summary>
internal sealed class OpenCv(string python) : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly List<(string What, string Line, Tensor Expected)> _runs = [];
    private int _files;

    public static async Task<OpenCv> FindAsync() => new(await Python.WithAsync("cv2", "python3-opencv"));

    /// <summary>Exports, and notes what the module answers in float64 (which runs composed) to inputs of these shapes.</summary>
    public void Add(nn.Module<Tensor, Tensor> module, OnnxExportOptions options, string what, params long[][] shapes) =>
        Add(module, options, what, ScalarType.Float64, shapes);

    /// <summary>The same with the module in another type, where float64 does something else.</summary>
    public void Add(
        nn.Module<Tensor, Tensor> module, OnnxExportOptions options, string what, ScalarType reference, params long[][] shapes)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var model = $"{_files++}.onnx";
        File.WriteAllBytes(_folder.File(model), OnnxRuntime.Export(module, options));
        module.to(reference);
        foreach (var shape in shapes)
        {
            var (x, number) = (Agreement.Input(shape, options.Normalization), _runs.Count);
            File.WriteAllBytes(_folder.File($"{number}.x"), x.bytes.ToArray());
            var line = string.Join('\t', model, $"{number}.x", $"{number}.y", string.Join(',', shape));
            var expected = module.call(Agreement.Normalised(x.to(reference), options.Normalization)).to(ScalarType.Float64);
            _runs.Add(($"{what}, [{string.Join(", ", shape)}]", line, expected.DetachFromDisposeScope()));
        }
    }

    /// <summary>Runs them; none may be refused, or differ from its module by more than <see cref="Agreement.Bound"/>.</summary>
    public async Task RequireAgreementAsync(bool refusalsAreFine = false)
    {
        File.WriteAllLines(_folder.File("cases.txt"), _runs.Select(run => run.Line));
        var script = Path.Combine(AppContext.BaseDirectory, "opencv.py");
        var (exitCode, text) = await Python.RunAsync(python, [script, _folder.File("")]);
        Assert.True(exitCode == 0, text);
        var answers = text.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(_runs.Count, answers.Length);
        string[] complaints = [.. _runs.Zip(answers).Select((entry, i) => Complaint(entry.First.What, entry.First.Expected, entry.Second, i)).OfType<string>()];
        if (refusalsAreFine) complaints = [.. complaints.Where(complaint => !complaint.Contains(": error: ", StringComparison.Ordinal))];
        Assert.True(complaints.Length == 0, $"{complaints.Length} of {_runs.Count}:\n{string.Join('\n', complaints.Take(30))}");
    }

    public void Dispose()
    {
        _runs.ForEach(run => run.Expected.Dispose());
        _folder.Dispose();
    }

    private string? Complaint(string what, Tensor expected, string answer, int run)
    {
        if (answer != string.Join(',', expected.shape)) return $"{what}: {answer}";
        using var scope = NewDisposeScope();
        var bytes = File.ReadAllBytes(_folder.File($"{run}.y"));
        var actual = tensor(System.Runtime.InteropServices.MemoryMarshal.Cast<byte, float>(bytes).ToArray(), expected.shape);
        var difference = Agreement.Difference(expected, actual);
        return difference <= Agreement.Bound ? null : $"{what}: differs by {difference:g3}";
    }
}

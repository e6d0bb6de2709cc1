using System.Collections.Concurrent;
using System.Text.Json;
using static TorchSharp.torch;

namespace XSepConv.Core.Tests.Parity;

/// <summary>A file that <c>Fixtures/generate.py</c> made: cases, and what PyTorch computes for them.</summary>
internal static class GoldenFile
{
    private static readonly ConcurrentDictionary<string, IReadOnlyList<ParityCase>> Known = new();

    public static IReadOnlyList<ParityCase> Cases(string file) => Known.GetOrAdd(file, static file =>
    {
        using var tensors = SafeTensors.Open(RepositoryFiles.Fixture(file));
        return JsonSerializer.Deserialize<List<ParityCase>>(tensors.Metadata["cases"], ParityCase.Json)!;
    });

    public static ParityCase Case(string file, string name) => Cases(file).Single(which => which.Name == name);

    /// <summary>All tensors whose names start with <paramref name="prefix"/>, by the rest of the name.</summary>
    public static Dictionary<string, Tensor> Read(string path, string prefix = "")
    {
        using var tensors = SafeTensors.Open(path);
        return tensors.Tensors.Values
            .Where(info => info.Name.StartsWith(prefix, StringComparison.Ordinal))
            .ToDictionary(info => info.Name[prefix.Length..], info => TensorBytes.Create(info, tensors.ReadBytes(info.Name)));
    }
}

using System.Runtime.InteropServices;
using XSepConv.Inference;

namespace XSepConv.Runtime.Tests.Inference;

/// <summary>Small networks with seeded weights, in memory and as files.</summary>
internal static class ModelFile
{
    /// <summary>One block of each kind, both places of squeeze-excite, a shortcut with and without a convolution.</summary>
    public static NetworkSpec Spec { get; } = new()
    {
        Name = "small",
        InputChannels = 3,
        NumClasses = 10,
        StemChannels = 8,
        StemStride = 2,
        Blocks =
        [
            new(BlockKind.Dw, 3, 8, 20, 12, Activation.ReLU, SqueezeExcite.Output, 2),
            new(BlockKind.XSep, 5, 12, 40, 12, Activation.HSwish, SqueezeExcite.Expanded, 1),
            new(BlockKind.XSep, 3, 12, 18, 20, Activation.ReLU, SqueezeExcite.None, 1),
            new(BlockKind.Dw, 5, 20, 33, 20, Activation.HSwish, SqueezeExcite.None, 1),
        ],
        LastChannels = 40,
        HiddenFeatures = 24,
    };

    public static DataSpec Data { get; } = new(
        "shapes", true, [.. Enumerable.Range(0, 10).Select(i => $"class {i}")], [0.5, 0.4, 0.3], [0.2, 0.25, 0.3], 3, 32, 32);

    public static List<SafeTensor> Tensors(NetworkSpec spec, int seed = 1)
    {
        var random = new Random(seed);
        return [.. ExpectedTensors.Of(spec).Select(expected =>
        {
            if (expected.Key.EndsWith("num_batches_tracked", StringComparison.Ordinal))
            {
                return new SafeTensor(expected.Key, SafeTensorType.I64, [], new byte[8]);
            }

            var count = expected.Shape.Aggregate(1L, (product, size) => product * size);
            var isWeight = expected.Shape.Length > 1;
            var scale = isWeight ? 2 / Math.Sqrt(count / (double)expected.Shape[0]) : 0.6;
            var values = new float[count];
            for (var i = 0; i < values.Length; i++)
            {
                values[i] = expected.Key.EndsWith("running_var", StringComparison.Ordinal)
                    || (!isWeight && expected.Key.EndsWith("weight", StringComparison.Ordinal))
                    ? 0.5f + random.NextSingle()
                    : (float)((random.NextDouble() - 0.5) * scale);
            }

            return Float32(expected.Key, expected.Shape, values);
        })];
    }

    public static SafeTensor Float32(string key, IEnumerable<long> shape, float[] values) =>
        new(key, SafeTensorType.F32, [.. shape], MemoryMarshal.AsBytes(values.AsSpan()).ToArray());

    public static void Write(string path, NetworkSpec spec, IEnumerable<SafeTensor> tensors, DataSpec? data = null)
    {
        var metadata = new Dictionary<string, string> { [NetworkSpec.MetadataKey] = spec.ToJson() };
        if (data is not null) metadata[DataSpec.MetadataKey] = data.ToJson();
        SafeTensors.Write(path, tensors, metadata);
    }

    public static CompiledModel Model(NetworkSpec? spec = null, string? kernel = null)
    {
        using var folder = new Folder();
        Write(folder.File("model"), spec ?? Spec, Tensors(spec ?? Spec), spec is null ? Data : null);
        return kernel is null ? CompiledModel.Load(folder.File("model")) : CompiledModel.Load(folder.File("model"), kernel);
    }

    public static float[] Images(CompiledModel model, int count, int height, int width, int seed = 3)
    {
        var random = new Random(seed);
        var pixels = new float[count * model.Spec.InputChannels * height * width];
        foreach (ref var pixel in pixels.AsSpan()) pixel = (random.NextSingle() * 4) - 2;
        return pixels;
    }

    public sealed class Folder : IDisposable
    {
        private readonly string _path = Directory.CreateTempSubdirectory("xsepconv-").FullName;

        public string File(string name) => Path.Combine(_path, name);

        public void Dispose() => Directory.Delete(_path, recursive: true);
    }
}

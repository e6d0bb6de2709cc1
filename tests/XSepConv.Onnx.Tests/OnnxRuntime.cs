using Microsoft.ML.OnnxRuntime;
using static TorchSharp.torch;
using OrtSession = Microsoft.ML.OnnxRuntime.InferenceSession;

namespace XSepConv.Onnx.Tests;

/// <summary>Runs ONNX files in ONNX Runtime as a user would: on the CPU, with all optimisations unless told.</summary>
internal sealed class OnnxRuntime : IDisposable
{
    private readonly OrtSession _session;

    public OnnxRuntime(byte[] model, GraphOptimizationLevel level = GraphOptimizationLevel.ORT_ENABLE_ALL)
    {
        using var options = new SessionOptions
        {
            IntraOpNumThreads = 1,
            InterOpNumThreads = 1,
            GraphOptimizationLevel = level,
            // Warnings too: a shape that the file states wrongly is one.
            LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_WARNING,
        };
        _session = new(model, options);
    }

    public static byte[] Export(nn.Module<Tensor, Tensor> module, OnnxExportOptions? options = null)
    {
        using var stream = new MemoryStream();
        OnnxExporter.Export(module, stream, options);
        return stream.ToArray();
    }

    public string InputName => _session.InputNames.Single();

    public string OutputName => _session.OutputNames.Single();

    public IReadOnlyDictionary<string, string> Metadata => _session.ModelMetadata.CustomMetadataMap;

    /// <summary>Runs a batch.</summary>
    /// <param name="x">float32, contiguous.</param>
    /// <returns>float32.</returns>
    public Tensor Run(Tensor x)
    {
        using var input = OrtValue.CreateTensorValueFromMemory(x.data<float>().ToArray(), x.shape);
        using var run = new RunOptions();
        using var results = _session.Run(run, [InputName], [input], [OutputName]);
        return tensor(results[0].GetTensorDataAsSpan<float>().ToArray(), results[0].GetTensorTypeAndShape().Shape);
    }

    public void Dispose() => _session.Dispose();
}

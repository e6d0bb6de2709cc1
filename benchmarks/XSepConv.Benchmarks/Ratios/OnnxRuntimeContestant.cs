using Microsoft.ML.OnnxRuntime;
using static TorchSharp.torch;
using OrtSession = Microsoft.ML.OnnxRuntime.InferenceSession;

namespace XSepConv.Benchmarks.Ratios;

/// <summary>ONNX Runtime on our own export.</summary>
internal static class OnnxRuntimeContestant
{
    public const string Name = "onnxruntime";

    /// <summary>The module as ONNX Runtime optimizes it: batch norms folded, images of one size, as compiled networks have them.</summary>
    /// <param name="module">In eval mode; what <see cref="OnnxExporter"/> takes.</param>
    /// <param name="x">[N, C, H, W], contiguous.</param>
    /// <param name="threads">Threads that it may use.</param>
    public static Contestant Of(nn.Module<Tensor, Tensor> module, Tensor x, int threads)
    {
        using var stream = new MemoryStream();
        OnnxExporter.Export(module, stream, new() { Size = ((int)x.shape[2], (int)x.shape[3]) });
        using var options = new SessionOptions
        {
            IntraOpNumThreads = threads,
            InterOpNumThreads = 1,
            GraphOptimizationLevel = GraphOptimizationLevel.ORT_ENABLE_ALL,
        };
        var session = new OrtSession(stream.ToArray(), options);
        var (inputName, outputName) = (session.InputNames.Single(), session.OutputNames.Single());
        var input = OrtValue.CreateTensorValueFromMemory(x.data<float>().ToArray(), x.shape);
        var run = new RunOptions();
        return new(Name, () => session.Run(run, [inputName], [input], [outputName]).Dispose(), () =>
        {
            using var results = session.Run(run, [inputName], [input], [outputName]);
            return [tensor(results[0].GetTensorDataAsSpan<float>().ToArray()).view(results[0].GetTensorTypeAndShape().Shape)];
        });
    }
}

using static TorchSharp.torch;

namespace XSepConv;

/// <summary>A module with a <c>forward</c> of its own that says how it is exported to ONNX.</summary>
/// <remarks>For a class that can't implement it, <see cref="OnnxExportOptions.Translators"/> takes the same as a delegate.</remarks>
public interface IOnnxExportable
{
    /// <summary>Does in a graph what <c>forward</c> does in eval mode.</summary>
    /// <param name="graph">Takes the steps, in the order in which they run.</param>
    /// <param name="input">What <c>forward</c> gets.</param>
    /// <returns>What <c>forward</c> returns.</returns>
    OnnxTensor Export(OnnxGraph graph, OnnxTensor input);
}

/// <summary>Does in a graph what a module's <c>forward</c> does in eval mode.</summary>
/// <param name="graph">Takes the steps, in the order in which they run.</param>
/// <param name="module">The module.</param>
/// <param name="input">What <c>forward</c> gets.</param>
/// <returns>What <c>forward</c> returns.</returns>
public delegate OnnxTensor OnnxTranslator(OnnxGraph graph, nn.Module<Tensor, Tensor> module, OnnxTensor input);

using System.Text;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Text;

namespace XSepConv.Kernels.Generator;

/// <summary>
/// Writes the micro-kernels of XSepConv.Runtime while that is compiled. The JIT keeps named locals in registers, but no array: so every
/// tile size and every kernel size is a method of its own, with a name for each accumulator.
/// </summary>
/// <remarks>
/// To read what is written, in src/XSepConv.Runtime/obj/generated:
/// <code>
/// dotnet build src/XSepConv.Runtime --no-incremental -p:EmitCompilerGeneratedFiles=true -p:CompilerGeneratedFilesOutputPath=obj/generated
/// </code>
/// It depends on nothing but this project.
/// </remarks>
[Generator(LanguageNames.CSharp)]
public sealed class KernelGenerator : IIncrementalGenerator
{
    /// <inheritdoc/>
    public void Initialize(IncrementalGeneratorInitializationContext context) => context.RegisterPostInitializationOutput(output =>
    {
        Add("Lanes512", Lanes.Write(512, "Avx512F"));
        Add("Lanes256", Lanes.Write(256, "Avx"));
        Add("Lanes128", Lanes.Write(128, "Sse2"));
        Add("PointwiseTiles", ConvolutionTiles.WritePointwise());
        Add("StemTiles", ConvolutionTiles.WriteStem());
        Add("RowTiles", new RowTiles(RowWeights.Float32).Write());
        Add("BFloat16RowTiles", new RowTiles(RowWeights.BFloat16).Write());
        Add("Int8RowTiles", new RowTiles(RowWeights.Int8).Write());
        Add("DepthwiseTiles", DepthwiseTiles.Write());
        Add("SeparatedSweeps", SeparatedSweeps.Write());
        Add("PlaneSweeps", PlaneSweeps.Write());
        Add("LineTiles", LineTiles.Write());
        Add("NormSweeps", NormSweeps.Write());
        Add("GradientSweeps", GradientSweeps.Write());
        Add("WeightGradientTiles", WeightGradientTiles.Write());

        void Add(string name, string text) => output.AddSource($"{name}.g.cs", SourceText.From(text, Encoding.UTF8));
    });
}

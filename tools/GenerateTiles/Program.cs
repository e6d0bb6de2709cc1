// Writes the register tiles of the inference kernels: `dotnet run --project tools/GenerateTiles` from the repository's root.
// Accumulators must be named locals (the JIT keeps no array in registers), so that every tile size is a method of its own.
using GenerateTiles;

var kernels = Path.Combine(Directory.GetCurrentDirectory(), "src", "XSepConv.Runtime", "Kernels");
if (!Directory.Exists(kernels))
{
    Console.Error.WriteLine($"{kernels} does not exist; run this from the repository's root.");
    return 1;
}

File.WriteAllText(Path.Combine(kernels, "PointwiseTiles.g.cs"), ConvolutionTiles.WritePointwise());
File.WriteAllText(Path.Combine(kernels, "StemTiles.g.cs"), ConvolutionTiles.WriteStem());
File.WriteAllText(Path.Combine(kernels, "RowTiles.g.cs"), RowTiles.Write());
File.WriteAllText(Path.Combine(kernels, "DepthwiseTiles.g.cs"), DepthwiseTiles.Write());
File.WriteAllText(Path.Combine(kernels, "SeparatedSweeps.g.cs"), SeparatedSweeps.Write());
File.WriteAllText(Path.Combine(kernels, "PlaneSweeps.g.cs"), PlaneSweeps.Write());
File.WriteAllText(Path.Combine(kernels, "NormSweeps.g.cs"), NormSweeps.Write());
File.WriteAllText(Path.Combine(kernels, "GradientSweeps.g.cs"), GradientSweeps.Write());
return 0;

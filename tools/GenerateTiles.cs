// Writes the register tiles of the inference kernels: `dotnet run tools/GenerateTiles.cs` from the repository's root.
// Accumulators must be named locals (the JIT keeps no array in registers), so that every tile size is a method of its own.
#:property PublishAot=false
#:property JsonSerializerIsReflectionEnabledByDefault=false
using System.Text;

var kernels = Path.Combine(Directory.GetCurrentDirectory(), "src", "XSepConv.Runtime", "Kernels");
if (!Directory.Exists(kernels))
{
    Console.Error.WriteLine($"{kernels} does not exist; run this from the repository's root.");
    return 1;
}

File.WriteAllText(Path.Combine(kernels, "PointwiseTiles.g.cs"), Pointwise());
File.WriteAllText(Path.Combine(kernels, "StemTiles.g.cs"), Stem());
File.WriteAllText(Path.Combine(kernels, "RowTiles.g.cs"), Rows());
File.WriteAllText(Path.Combine(kernels, "DepthwiseTiles.g.cs"), Depthwise());
File.WriteAllText(Path.Combine(kernels, "SeparatedSweeps.g.cs"), Separated());
return 0;

// The largest tiles are those that 32 registers hold; PointwisePlan and DepthwisePlan ask for no larger ones where there are 16.
static string Pointwise() => Convolution(
    "PointwiseTiles", "A 1×1 convolution on P pixels × V vectors of output channels, in registers.", "PointwiseTile", hasStep: false, [[.. Enumerable.Range(1, 14)], [.. Enumerable.Range(1, 14)], [.. Enumerable.Range(1, 9)]], (code, pixels, vectors) =>
    {
        code.Line("var outer = input;");
        code.Line("var remaining = tile->Channels;");
        code.Line("while (remaining > 0)");
        code.Open();
        code.Line("var x = outer;");
        code.Line("var end = x + Math.Min(remaining, lanes);");
        code.Line("do");
        code.Open();
        MultiplyAdd(code, pixels, vectors, p => p == 0 ? "*x" : $"x[{Times(p, "lanes")}]");
        code.Line("x++;");
        code.Close();
        code.Line("while (x < end);");
        code.Line("outer += tile->Outer;");
        code.Line("remaining -= lanes;");
        code.Close();
    });

// Three columns of the kernel at a time.
static string Stem() => Convolution(
    "StemTiles", "A 3×3 convolution of planes on P pixels × V vectors of output channels, in registers.", "StemTile", hasStep: true, [[.. Enumerable.Range(1, 14), 28], [.. Enumerable.Range(1, 14)]], (code, pixels, vectors) =>
    {
        code.Line("var x = input;");
        code.Line("for (var rows = tile->Rows; rows > 0; rows--)");
        code.Open();
        for (var column = 0; column < 3; column++)
        {
            code.Open();
            MultiplyAdd(code, pixels, vectors, p => $"x[{(p == 0 ? $"{column}" : column == 0 ? Times(p, "step") : $"({Times(p, "step")}) + {column}")}]");
            code.Close();
        }

        code.Line("x += tile->Row;");
        code.Close();
    });

static void MultiplyAdd(Code code, int pixels, int vectors, Func<int, string> input)
{
    for (var v = 0; v < vectors; v++) code.Line($"var w{v} = TLanes.Load(weights{(v == 0 ? "" : $" + block{v}")});");
    for (var p = 0; p < pixels; p++)
    {
        code.Line($"var x{p} = TLanes.Splat({input(p)});");
        for (var v = 0; v < vectors; v++) code.Line($"a{p}_{v} = TLanes.MultiplyAdd(x{p}, w{v}, a{p}_{v});");
    }

    code.Line("weights += lanes;");
}

static string Convolution(string name, string summary, string argument, bool hasStep, int[][] sizes, Action<Code, int, int> sum)
{
    var code = new Code();
    code.Line($"/// <summary>{summary}</summary>");
    code.Line($"internal static unsafe class {name}<TLanes, TVector{(hasStep ? ", TStep" : "")}>");
    code.Line("    where TLanes : struct, ILanes<TVector>");
    code.Line("    where TVector : unmanaged");
    if (hasStep) code.Line("    where TStep : struct, IPixelStep");
    code.Open();
    code.Line("/// <summary>Runs tiles of one size, one after the other.</summary>");
    code.Line($"public static void Run(int pixels, int vectors, {argument}* tile)");
    code.Open();
    code.Line("switch ((vectors * 32) + pixels)");
    code.Open();
    for (var v = 1; v <= sizes.Length; v++)
    {
        // Where the condition is false it is a constant, and the tiles of 32 registers are not even compiled.
        foreach (var p in sizes[v - 1]) code.Line($"case {(v * 32) + p}{(p > LargestOf16Registers(v) ? " when PointwisePlan.Registers(TLanes.Count) == 32" : "")}: Tile{p}x{v}(tile); break;");
    }

    code.Line("default: throw new ArgumentOutOfRangeException(nameof(pixels), pixels, \"There is no such tile.\");");
    code.Close();
    code.Close();
    for (var v = 1; v <= sizes.Length; v++)
    {
        foreach (var p in sizes[v - 1]) ConvolutionTile(code, argument, hasStep, p, v, sum);
    }

    code.Close();
    return code.ToString();
}

static void ConvolutionTile(Code code, string argument, bool hasStep, int pixels, int vectors, Action<Code, int, int> sum)
{
    code.Blank();
    code.Line("[MethodImpl(MethodImplOptions.AggressiveOptimization)]");
    code.Line($"private static void Tile{pixels}x{vectors}({argument}* tile)");
    code.Open();
    code.Line("var lanes = TLanes.Count;");
    if (hasStep) code.Line("var step = TStep.Floats(TLanes.Count);");
    code.Line("var input = tile->Input;");
    code.Line("var output = tile->Output;");
    if (!hasStep) code.Line("var residual = tile->Residual;");
    code.Line("var nextBlock = tile->OutputBlock;");
    if (vectors > 1) code.Line("var block1 = tile->WeightBlock;");
    for (var v = 2; v < vectors; v++) code.Line($"var block{v} = block{v - 1} + block1;");
    code.Line("for (var count = tile->Count; count > 0; count--)");
    code.Open();
    for (var v = 0; v < vectors; v++)
    {
        code.Line($"var a0_{v} = TLanes.Load(tile->Bias{Plus(v, "lanes")});");
        for (var p = 1; p < pixels; p++) code.Line($"var a{p}_{v} = a0_{v};");
    }

    code.Line("var weights = tile->Weights;");
    sum(code, pixels, vectors);
    if (hasStep)
    {
        Store("HSwishActivation.Apply<TLanes, TVector>({0})");
    }
    else
    {
        code.Line("switch (tile->Activation)");
        code.Open();
        foreach (var (label, body) in new[]
        {
            ("case TileActivation.HSwish:", "HSwishActivation.Apply<TLanes, TVector>({0})"), ("case TileActivation.ReLU:", "ReluActivation.Apply<TLanes, TVector>({0})"),
        })
        {
            code.Line(label);
            code.Open();
            Store(body);
            code.Line("break;");
            code.Close();
        }

        code.Line("default:");
        code.Open();
        code.Line("if (residual != null)");
        code.Open();
        Store("TLanes.Add({0}, TLanes.Load(residual{1}))");
        code.Line("residual += tile->OutputStep;");
        code.Line("break;");
        code.Close();
        Store("{0}");
        code.Line("break;");
        code.Close();
        code.Close();
    }

    code.Line("input += tile->InputStep;");
    code.Line("output += tile->OutputStep;");
    code.Close();
    code.Close();

    void Store(string value)
    {
        for (var v = 0; v < vectors; v++)
        {
            for (var p = 0; p < pixels; p++)
            {
                var place = (v == 0 ? "" : v == 1 ? " + nextBlock" : $" + ({v} * nextBlock)") + Plus(p, "lanes");
                code.Line($"TLanes.Store(output{place}, {string.Format(value, $"a{p}_{v}", place)});");
            }
        }
    }
}

static string Rows()
{
    const int MostRows = 4, MostVectors = 4;
    var code = new Code();
    code.Line("/// <summary>A linear layer on R rows × V vectors of outputs, in registers.</summary>");
    code.Line("internal static unsafe class RowTiles<TLanes, TVector>");
    code.Line("    where TLanes : struct, ILanes<TVector>");
    code.Line("    where TVector : unmanaged");
    code.Open();
    code.Line($"public const int MostRows = {MostRows};");
    code.Line($"public const int MostVectors = {MostVectors};");
    code.Blank();
    code.Line("public static void Run(int rows, int vectors, RowTile* tile)");
    code.Open();
    code.Line("switch ((vectors * 16) + rows)");
    code.Open();
    for (var v = 1; v <= MostVectors; v++)
    {
        for (var r = 1; r <= MostRows; r++) code.Line($"case {(v * 16) + r}: Tile{r}x{v}(tile); break;");
    }

    code.Line("default: throw new ArgumentOutOfRangeException(nameof(rows), rows, \"There is no such tile.\");");
    code.Close();
    code.Close();
    for (var vectors = 1; vectors <= MostVectors; vectors++)
    {
        for (var rows = 1; rows <= MostRows; rows++)
        {
            code.Blank();
            code.Line("[MethodImpl(MethodImplOptions.AggressiveOptimization)]");
            code.Line($"private static void Tile{rows}x{vectors}(RowTile* tile)");
            code.Open();
            code.Line("var lanes = TLanes.Count;");
            for (var v = 0; v < vectors; v++)
            {
                code.Line($"var a0_{v} = TLanes.Load(tile->Bias{Plus(v, "lanes")});");
                for (var r = 1; r < rows; r++) code.Line($"var a{r}_{v} = a0_{v};");
            }

            code.Line("var weights = tile->Weights;");
            code.Line("var r0 = tile->Input;");
            for (var r = 1; r < rows; r++) code.Line($"var r{r} = r{r - 1} + tile->InputRow;");
            code.Line("nint channels = tile->Channels;");
            code.Line("for (nint k = 0; k < channels; k++)");
            code.Open();
            for (var v = 0; v < vectors; v++) code.Line($"var w{v} = TLanes.Load(weights{Plus(v, "lanes")});");
            for (var r = 0; r < rows; r++)
            {
                code.Line($"var x{r} = TLanes.Splat(r{r}[k]);");
                for (var v = 0; v < vectors; v++) code.Line($"a{r}_{v} = TLanes.MultiplyAdd(x{r}, w{v}, a{r}_{v});");
            }

            code.Line($"weights += {(vectors == 1 ? "lanes" : $"{vectors} * lanes")};");
            code.Close();
            code.Line("var output = tile->Output;");
            for (var r = 0; r < rows; r++)
            {
                for (var v = 0; v < vectors; v++) code.Line($"TLanes.Store(output{Plus(v, "lanes")}, TileActivations.Apply<TLanes, TVector>(a{r}_{v}, tile->Activation));");
                if (r < rows - 1) code.Line("output += tile->OutputRow;");
            }

            code.Close();
        }
    }

    // One row is a multiply-add for every weight: two groups at once keep twice the reads under way.
    code.Blank();
    code.Line($"/// <summary>One row × two groups of {MostVectors} vectors, whose weights are <paramref name=\"nextGroup\"/> floats apart.</summary>");
    code.Line("[MethodImpl(MethodImplOptions.AggressiveOptimization)]");
    code.Line("public static void RunPair(RowTile* tile, nint nextGroup)");
    code.Open();
    code.Line("var lanes = TLanes.Count;");
    for (var v = 0; v < 2 * MostVectors; v++) code.Line($"var a{v} = TLanes.Load(tile->Bias{Plus(v, "lanes")});");
    code.Line("var weights = tile->Weights;");
    code.Line("var next = weights + nextGroup;");
    code.Line("var row = tile->Input;");
    code.Line("nint channels = tile->Channels;");
    code.Line("for (nint k = 0; k < channels; k++)");
    code.Open();
    code.Line("var x = TLanes.Splat(row[k]);");
    for (var v = 0; v < 2 * MostVectors; v++) code.Line($"a{v} = TLanes.MultiplyAdd(x, TLanes.Load({(v < MostVectors ? "weights" : "next")}{Plus(v % MostVectors, "lanes")}), a{v});");
    code.Line($"weights += {MostVectors} * lanes;");
    code.Line($"next += {MostVectors} * lanes;");
    code.Close();
    for (var v = 0; v < 2 * MostVectors; v++) code.Line($"TLanes.Store(tile->Output{Plus(v, "lanes")}, TileActivations.Apply<TLanes, TVector>(a{v}, tile->Activation));");
    code.Close();
    code.Close();
    return code.ToString();
}

static string Depthwise()
{
    const int MostPixels = 14;
    var code = new Code();
    code.Line("/// <summary>A depthwise convolution of one block of channels on P pixels of each of some rows, in registers.</summary>");
    code.Line("internal static unsafe class DepthwiseTiles<TLanes, TVector, TStep>");
    code.Line("    where TLanes : struct, ILanes<TVector>");
    code.Line("    where TVector : unmanaged");
    code.Line("    where TStep : struct, IPixelStep");
    code.Open();
    code.Line($"public const int MostPixels = {MostPixels};");
    code.Blank();
    code.Line("/// <param name=\"column\">The first pixel's place in the rows of the output, in floats.</param>");
    code.Line("public static void Run(int pixels, DepthwiseTile* tile, nint column)");
    code.Open();
    code.Line("switch (pixels)");
    code.Open();
    for (var p = 1; p <= MostPixels; p++) code.Line($"case {p}: Tile{p}(tile, column); break;");
    code.Line("default: throw new ArgumentOutOfRangeException(nameof(pixels), pixels, \"There is no such tile.\");");
    code.Close();
    code.Close();
    for (var pixels = 1; pixels <= MostPixels; pixels++)
    {
        code.Blank();
        code.Line("[MethodImpl(MethodImplOptions.AggressiveOptimization)]");
        code.Line($"private static void Tile{pixels}(DepthwiseTile* tile, nint column)");
        code.Open();
        code.Line("var lanes = TLanes.Count;");
        code.Line("var step = TStep.Floats(TLanes.Count);");
        code.Line("var first = column / lanes * step;");
        code.Line("var taps = (nint)tile->KernelWidth * lanes;");
        code.Line("var pitch = tile->WeightRow;");
        code.Line("var source = tile->Source;");
        code.Line("var destination = tile->Destination;");
        code.Line("for (var rows = tile->Rows; rows > 0; rows--)");
        code.Open();
        code.Line("var a0 = TLanes.Load(tile->Bias);");
        for (var p = 1; p < pixels; p++) code.Line($"var a{p} = a0;");
        code.Line("var weights = tile->Weights;");
        code.Line("for (var row = 0; row < tile->KernelHeight; row++)");
        code.Open();
        code.Line("var x = source[row] + first;");
        code.Line("for (nint tap = 0; tap < taps; tap += lanes)");
        code.Open();
        code.Line("var w = TLanes.Load(weights + tap);");
        for (var p = 0; p < pixels; p++) code.Line($"a{p} = TLanes.MultiplyAdd(w, TLanes.Load(x{Plus(p, "step")}), a{p});");
        code.Line("x += lanes;");
        code.Close();
        code.Line("weights += pitch;");
        code.Close();
        code.Line("var output = *destination + column;");
        code.Line("switch (tile->Activation)");
        code.Open();
        foreach (var (label, body) in new[]
        {
            ("case TileActivation.HSwish:", "HSwishActivation.Apply<TLanes, TVector>({0})"), ("case TileActivation.ReLU:", "ReluActivation.Apply<TLanes, TVector>({0})"), ("default:", "{0}"),
        })
        {
            code.Line(label);
            code.Open();
            for (var p = 0; p < pixels; p++) code.Line($"TLanes.Store(output{Plus(p, "lanes")}, {string.Format(body, $"a{p}")});");
            code.Line("break;");
            code.Close();
        }

        code.Close();
        code.Line("source += tile->RowStride;");
        code.Line("destination++;");
        code.Close();
        code.Close();
    }

    code.Close();
    return code.ToString();
}

// Sweeps keep the sums that are not complete yet in registers: s0 lacks its last tap, s1 its last two, and so on. Every input is loaded once.
static string Separated()
{
    int[] kernelSizes = [3, 5, 7, 9];
    var code = new Code();
    code.Line("/// <summary>XSepConv's convolutions at stride 1 as sweeps: along the rows for 2×2 and 1×K in one, down the columns for K×1.</summary>");
    code.Line("internal static unsafe class SeparatedSweeps<TLanes, TVector, TActivation>");
    code.Line("    where TLanes : struct, ILanes<TVector>");
    code.Line("    where TVector : unmanaged");
    code.Line("    where TActivation : struct, IActivation");
    code.Open();
    code.Line("/// <summary>Whether there are sweeps for that kernel.</summary>");
    code.Line($"public static bool Has(int kernel) => kernel is {string.Join(" or ", kernelSizes)};");
    foreach (var name in new[] { "Across", "Down" })
    {
        code.Blank();
        code.Line($"public static void {name}(int kernel, {name}Sweep* sweep)");
        code.Open();
        code.Line("switch (kernel)");
        code.Open();
        foreach (var k in kernelSizes) code.Line($"case {k}: {name}{k}(sweep); break;");
        code.Line("default: throw new ArgumentOutOfRangeException(nameof(kernel), kernel, \"There is no such sweep.\");");
        code.Close();
        code.Close();
    }

    foreach (var k in kernelSizes) Across(code, k);
    foreach (var k in kernelSizes) Down(code, k);
    code.Close();
    return code.ToString();
}

static void Across(Code code, int k)
{
    var border = k / 2;
    code.Blank();
    code.Line("[MethodImpl(MethodImplOptions.AggressiveOptimization)]");
    code.Line($"private static void Across{k}(AcrossSweep* sweep)");
    code.Open();
    code.Line("var lanes = TLanes.Count;");
    for (var i = 0; i < 4; i++) code.Line($"var q{i} = TLanes.Load(sweep->TwoByTwo{Plus(i, "lanes")});");
    code.Line("var shift = TLanes.Load(sweep->TwoByTwoBias);");
    for (var i = 0; i < k; i++) code.Line($"var w{i} = TLanes.Load(sweep->Horizontal{Plus(i, "lanes")});");
    code.Line("var bias = TLanes.Load(sweep->HorizontalBias);");
    code.Line("var edge = sweep->Edge;");
    code.Line("var whole = edge > 0 ? sweep->Width - 1 : sweep->Width;");
    code.Line("var ahead = sweep->Ahead;");
    code.Line("nint vector = 0;");
    code.Line("for (var row = 0; row < sweep->Rows; row++)");
    code.Open();
    code.Line("var upper = sweep->Source[row];");
    code.Line("var lower = sweep->Source[row + 1];");
    code.Line("var output = sweep->Destination[row];");
    code.Line("TVector a, c;");
    code.Line("if (edge < 0)");
    code.Open();
    code.Line("a = c = TLanes.Splat(0);");
    code.Line("upper -= lanes;");
    code.Line("lower -= lanes;");
    code.Close();
    code.Line("else");
    code.Open();
    code.Line("a = TLanes.Load(upper);");
    code.Line("c = TLanes.Load(lower);");
    code.Close();
    code.Blank();
    for (var i = 0; i < k - 1; i++) code.Line($"var s{i} = bias;");
    foreach (var (from, to, stores) in new[] { ("0", $"{border}", false), ($"{border}", "whole", true) })
    {
        code.Line($"for (var column = {from}; column < {to}; column++)");
        code.Open();
        code.Line("if (ahead.IsOn) ahead.Ask(vector++);");
        code.Line("upper += lanes;");
        code.Line("lower += lanes;");
        code.Line("var b = TLanes.Load(upper);");
        code.Line("var d = TLanes.Load(lower);");
        code.Line("var y = TLanes.MultiplyAdd(q1, b, TLanes.MultiplyAdd(q0, a, shift));");
        code.Line("y = TLanes.MultiplyAdd(q3, d, TLanes.MultiplyAdd(q2, c, y));");
        code.Line("y = TActivation.Apply<TLanes, TVector>(y);");
        code.Line("a = b;");
        code.Line("c = d;");
        Push(stores);
        code.Close();
    }

    code.Blank();
    code.Line("if (edge > 0)");
    code.Open();
    code.Line("if (ahead.IsOn) ahead.Ask(vector++);");
    code.Line("var y = TActivation.Apply<TLanes, TVector>(TLanes.MultiplyAdd(q2, c, TLanes.MultiplyAdd(q0, a, shift)));");
    Push(true);
    code.Close();
    code.Blank();
    for (var i = 0; i < border; i++) code.Line($"TLanes.Store(output{Plus(i, "lanes")}, TActivation.Apply<TLanes, TVector>(s{i}));");
    code.Close();
    code.Close();

    void Push(bool stores)
    {
        if (stores) code.Line($"TLanes.Store(output, TActivation.Apply<TLanes, TVector>(TLanes.MultiplyAdd(w{k - 1}, y, s0)));");
        if (stores) code.Line("output += lanes;");
        for (var i = 0; i < k - 2; i++) code.Line($"s{i} = TLanes.MultiplyAdd(w{k - 2 - i}, y, s{i + 1});");
        code.Line($"s{k - 2} = TLanes.MultiplyAdd(w0, y, bias);");
    }
}

static void Down(Code code, int k)
{
    code.Blank();
    code.Line("[MethodImpl(MethodImplOptions.AggressiveOptimization)]");
    code.Line($"private static void Down{k}(DownSweep* sweep)");
    code.Open();
    code.Line("var lanes = TLanes.Count;");
    for (var i = 0; i < k; i++) code.Line($"var w{i} = TLanes.Load(sweep->Vertical{Plus(i, "lanes")});");
    code.Line("var bias = TLanes.Load(sweep->VerticalBias);");
    code.Line($"var silent = {k - 1} - sweep->Before;");
    code.Line("var next = sweep->DestinationRow;");
    code.Line("var ahead = sweep->Ahead;");
    code.Line("nint vector = 0;");
    code.Line("for (nint column = 0; column < sweep->Width * (nint)lanes; column += lanes)");
    code.Open();
    code.Line("var output = sweep->Destination + column;");
    for (var i = 0; i < k - 1; i++) code.Line($"var s{i} = bias;");
    foreach (var (from, to, stores) in new[] { ("0", "silent", false), ("silent", "sweep->Rows", true) })
    {
        code.Line($"for (var row = {from}; row < {to}; row++)");
        code.Open();
        code.Line("if (ahead.IsOn) ahead.Ask(vector++);");
        code.Line("var y = TLanes.Load(sweep->Source[row] + column);");
        if (stores) code.Line($"TLanes.Store(output, TActivation.Apply<TLanes, TVector>(TLanes.MultiplyAdd(w{k - 1}, y, s0)));");
        if (stores) code.Line("output += next;");
        for (var i = 0; i < k - 2; i++) code.Line($"s{i} = TLanes.MultiplyAdd(w{k - 2 - i}, y, s{i + 1});");
        code.Line($"s{k - 2} = TLanes.MultiplyAdd(w0, y, bias);");
        code.Close();
    }

    // Rows of zeros after the map: at most K/2, each completes one sum.
    for (var i = 0; i < k / 2; i++)
    {
        code.Line($"if (sweep->After > {i}) TLanes.Store(output{Plus(i, "next")}, TActivation.Apply<TLanes, TVector>(s{i}));");
    }

    code.Close();
    code.Close();
}

static int LargestOf16Registers(int vectors) => vectors switch { 1 => 12, 2 => 6, _ => 4 };

static string Times(int count, string unit) => count == 1 ? unit : $"{count} * {unit}";

static string Plus(int count, string unit) => count switch { 0 => "", 1 => $" + {unit}", _ => $" + ({count} * {unit})" };

internal sealed class Code
{
    private readonly StringBuilder _text = new();
    private int _depth;

    public Code()
    {
        Line("// <auto-generated>Written by tools/GenerateTiles.cs; change that and run it again.</auto-generated>");
        Line("#nullable enable");
        Line("using System.Runtime.CompilerServices;");
        Blank();
        Line("namespace XSepConv.Kernels;");
        Blank();
    }

    public void Blank() => _text.Append('\n');

    public void Line(string line) => _text.Append(' ', 4 * _depth).Append(line).Append('\n');

    public void Open()
    {
        Line("{");
        _depth++;
    }

    public void Close()
    {
        _depth--;
        Line("}");
    }

    public override string ToString() => _text.ToString();
}

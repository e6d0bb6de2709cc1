namespace XSepConv.Kernels;

/// <summary>How the results of a line are cut into tiles, and what each of them sums: laid out once, then used for every line.</summary>
/// <param name="layout">Where the table lies.</param>
/// <param name="results">Results of a line; none, where a strided kernel of one tap has none for odd values.</param>
/// <param name="runs">Runs that a result is the sum of, at most.</param>
internal unsafe partial struct LineTable(ref ScratchLayout layout, int results, int runs)
{
    /// <summary>Zeros before and after the values of a line: results that share a tile share its taps.</summary>
    public const int Border = MaxPixels - 1;

    private readonly LineTile* _tiles = (LineTile*)layout.Bytes((long)Cut(results) * sizeof(LineTile));
    private readonly LineRun* _runs = (LineRun*)layout.Bytes((long)Cut(results) * runs * sizeof(LineRun));
    private readonly int _pixels = results / Math.Max(1, Cut(results));
    private readonly int _longer = results % Math.Max(1, Cut(results));

    public static int Cut(int results) => (results + MaxPixels - 1) / MaxPixels;

    /// <summary>Tiles without runs yet.</summary>
    public readonly void Clear()
    {
        var first = 0;
        for (var i = 0; i < Cut(results); i++)
        {
            _tiles[i] = new LineTile { First = first, Runs = _runs + ((nint)i * runs) };
            first += PixelsOf(i);
        }
    }

    /// <summary>
    /// Adds result[i] += Σ weights[k] · values[i + k + offset], k below <paramref name="taps"/>, as far as there are values.
    /// </summary>
    /// <param name="weights">A vector for each tap.</param>
    /// <param name="reversed">The same from the last to the first; null where there are none.</param>
    /// <param name="taps">How many.</param>
    /// <param name="offset">Where the first tap of the first result lies.</param>
    /// <param name="values">The first value; <see cref="Border"/> vectors of zeros lie before it, and after the last.</param>
    /// <param name="length">How many values there are.</param>
    /// <param name="lanes">Floats of a vector.</param>
    public readonly void Add(float* weights, float* reversed, int taps, int offset, float* values, int length, int lanes)
    {
        for (var i = 0; i < Cut(results); i++)
        {
            var tile = _tiles + i;
            var (first, last) = (tile->First, tile->First + PixelsOf(i) - 1);
            LineRun run;
            if (reversed != null && last + offset <= 0 && length - first - offset <= taps)
            {
                // Every value reaches every result: tap by tap, some would be read beyond the end.
                run = new LineRun
                {
                    Weights = values + ((nint)(length - 1) * lanes),
                    WeightStep = -lanes,
                    Values = reversed + ((nint)(taps - length + first + offset) * lanes),
                    Taps = length,
                };
            }
            else
            {
                var start = Math.Max(0, -offset - last);
                run = new LineRun
                {
                    Weights = weights + ((nint)start * lanes),
                    WeightStep = lanes,
                    Values = values + ((nint)(first + offset + start) * lanes),
                    Taps = Math.Min(taps, length - offset - first) - start,
                };
            }

            if (run.Taps > 0) tile->Runs[tile->RunCount++] = run;
        }
    }

    /// <summary>Runs the tiles on one line.</summary>
    public readonly void Run<TLanes, TVector, TFinish>(LineOutput* output)
        where TLanes : struct, ILanes<TVector>
        where TVector : unmanaged
        where TFinish : struct, ILineFinish<TLanes, TVector>
    {
        if (results == 0) return;
        if (_longer > 0) LineTiles<TLanes, TVector, TFinish>.Run(_pixels + 1, _tiles, _longer, output);
        LineTiles<TLanes, TVector, TFinish>.Run(_pixels, _tiles + _longer, Cut(results) - _longer, output);
    }

    private readonly int PixelsOf(int tile) => tile < _longer ? _pixels + 1 : _pixels;
}

namespace XSepConv;

/// <summary>
/// The three small kernels of one channel whose composition is nearest to a K×K kernel, with the nonlinearities between them taken away:
/// 2×2 ∗ 1×K ∗ K×1, which covers (K+1)×(K+1), by alternating least squares.
/// </summary>
/// <param name="TwoByTwo">The 2×2, row by row.</param>
internal sealed record SeparableKernel(double[] TwoByTwo, double[] Row, double[] Column)
{
    private const int RankOneRounds = 10, Rounds = 60;

    /// <summary>Fits for a map on which some taps are used more than others.</summary>
    /// <param name="kernel">K×K values, row by row.</param>
    /// <param name="padding">A one-sided padding: it says which tap of the 2×2 is on the output's own pixel.</param>
    /// <param name="vertical">Weights of the K + 1 rows of taps, positive; see <see cref="TapUse"/>.</param>
    /// <param name="horizontal">Weights of the K + 1 columns of taps.</param>
    /// <param name="product">Whether the 2×2 only passes the output's own pixel on, which leaves a product of column and row.</param>
    public static SeparableKernel Fit(
        ReadOnlySpan<double> kernel, PaddingDirection padding, double[] vertical, double[] horizontal, bool product = false)
    {
        var k = (int)Math.Sqrt(kernel.Length);
        var size = k + 1;
        var own = (padding.IsTop() ? 2 : 0) + (padding.IsLeft() ? 1 : 0);
        var (target, transposed) = (new double[size * size], new double[size * size]);
        for (var i = 0; i < kernel.Length; i++)
        {
            var (y, x) = ((i / k) + (own / 2), (i % k) + (own % 2));
            target[(y * size) + x] = transposed[(x * size) + y] = kernel[i];
        }

        var twoByTwo = Unit(4, own);
        var (row, column) = (Unit(k, k / 2), LargestColumn(target, size, own, vertical, horizontal));
        if (Dot(kernel, kernel) == 0) return new(twoByTwo, row, Unit(k, k / 2));

        // The composition is linear in each of the three, so that fixing two leaves a least-squares problem for the third. With the 2×2
        // left at its own pixel this finds the nearest kernel of rank one, from which the 2×2 joins in.
        for (var round = 0; round < RankOneRounds + Rounds; round++)
        {
            if (round >= RankOneRounds && !product) twoByTwo = SolveTwoByTwo(target, row, column, vertical, horizontal);
            row = SolveLine(target, twoByTwo, column, vertical, horizontal);
            column = Normalised(SolveLine(transposed, Transposed(twoByTwo), row, horizontal, vertical));
        }

        row = SolveLine(target, twoByTwo, column, vertical, horizontal);

        // Positive where there is a choice, so that what is positive stays so up to the column, and passes ReLU.
        var sign = Sign(twoByTwo) * Sign(row);
        twoByTwo = Normalised(twoByTwo, Sign(twoByTwo));
        return new(twoByTwo, Normalised(row, Sign(row)), Normalised(column, sign));
    }

    // The row for a given column (or, all transposed, the column for a given row). The 2×2 and the column make two columns of taps, a near
    // one at the place of the row's value and a far one beside it, so that a value's response overlaps with its neighbours' only.
    private static double[] SolveLine(double[] target, double[] twoByTwo, double[] across, double[] acrossWeights, double[] alongWeights)
    {
        var (k, size) = (across.Length, across.Length + 1);
        double nearNear = 0, nearFar = 0, farFar = 0;
        var (near, far) = (new double[size], new double[size]);
        for (var i = 0; i < size; i++)
        {
            var (here, before) = (i < k ? across[i] : 0, i > 0 ? across[i - 1] : 0);
            var n = (twoByTwo[0] * here) + (twoByTwo[2] * before);
            var f = (twoByTwo[1] * here) + (twoByTwo[3] * before);
            var weight = acrossWeights[i];
            nearNear += weight * n * n;
            nearFar += weight * n * f;
            farFar += weight * f * f;
            for (var j = 0; j < size; j++)
            {
                near[j] += weight * n * target[(i * size) + j];
                far[j] += weight * f * target[(i * size) + j];
            }
        }

        var (matrix, right) = (new double[k, k], new double[k]);
        for (var j = 0; j < k; j++)
        {
            right[j] = (alongWeights[j] * near[j]) + (alongWeights[j + 1] * far[j + 1]);
            matrix[j, j] = (alongWeights[j] * nearNear) + (alongWeights[j + 1] * farFar);
            if (j > 0) matrix[j, j - 1] = alongWeights[j] * nearFar;
        }

        return Solve(matrix, right, band: 1);
    }

    // The response of a tap of the 2×2 is the product of column and row, moved to its place.
    private static double[] SolveTwoByTwo(double[] target, double[] row, double[] column, double[] vertical, double[] horizontal)
    {
        var size = row.Length + 1;
        var (down, along) = (Overlaps(column, vertical), Overlaps(row, horizontal));
        var (matrix, right) = (new double[4, 4], new double[4]);
        for (var p = 0; p < 4; p++)
        {
            for (var q = 0; q < 4; q++) matrix[p, q] = down[p / 2, q / 2] * along[p % 2, q % 2];
            for (var i = 0; i < column.Length; i++)
            {
                double sum = 0;
                var start = (i + (p / 2)) * size;
                for (var j = p % 2; j < row.Length + (p % 2); j++) sum += horizontal[j] * row[j - (p % 2)] * target[start + j];
                right[p] += vertical[i + (p / 2)] * column[i] * sum;
            }
        }

        return Solve(matrix, right, band: 3);
    }

    // A line of values with itself, in its place and moved by one.
    private static double[,] Overlaps(double[] line, double[] weights)
    {
        double here = 0, between = 0, moved = 0;
        for (var i = 0; i < line.Length; i++)
        {
            here += weights[i] * line[i] * line[i];
            moved += weights[i + 1] * line[i] * line[i];
            if (i > 0) between += weights[i] * line[i] * line[i - 1];
        }

        return new[,] { { here, between }, { between, moved } };
    }

    // By Cholesky. Responses may depend on each other (a 2×2 over symmetric kernels); a trace of ridge picks one of the solutions.
    private static double[] Solve(double[,] matrix, double[] right, int band)
    {
        var n = right.Length;
        double trace = 0;
        for (var i = 0; i < n; i++) trace += matrix[i, i];
        for (var i = 0; i < n; i++)
        {
            matrix[i, i] += 1e-12 * trace;
            for (var j = Math.Max(0, i - band); j <= i; j++)
            {
                var sum = matrix[i, j];
                for (var m = Math.Max(0, i - band); m < j; m++) sum -= matrix[i, m] * matrix[j, m];
                matrix[i, j] = i == j ? Math.Sqrt(Math.Max(sum, 1e-13 * trace)) : sum / matrix[j, j];
            }
        }

        for (var i = 0; i < n; i++)
        {
            for (var m = Math.Max(0, i - band); m < i; m++) right[i] -= matrix[i, m] * right[m];
            right[i] /= matrix[i, i];
        }

        for (var i = n - 1; i >= 0; i--)
        {
            for (var m = i + 1; m <= Math.Min(n - 1, i + band); m++) right[i] -= matrix[m, i] * right[m];
            right[i] /= matrix[i, i];
        }

        return right;
    }

    private static double[] Transposed(double[] twoByTwo) => [twoByTwo[0], twoByTwo[2], twoByTwo[1], twoByTwo[3]];

    private static double[] LargestColumn(double[] target, int size, int own, double[] vertical, double[] horizontal)
    {
        var (best, bestNorm) = (new double[size - 1], -1.0);
        for (var j = 0; j < size; j++)
        {
            var column = new double[size - 1];
            double norm = 0;
            for (var i = 0; i < column.Length; i++)
            {
                var row = i + (own / 2);
                column[i] = target[(row * size) + j];
                norm += vertical[row] * horizontal[j] * column[i] * column[i];
            }

            if (norm > bestNorm) (best, bestNorm) = (column, norm);
        }

        return best;
    }

    private static double Sign(double[] values) => values.Sum() < 0 ? -1 : 1;

    private static double[] Normalised(double[] values, double sign = 1)
    {
        var norm = Math.Sqrt(Dot(values, values));
        return norm > 0 ? Array.ConvertAll(values, value => sign * value / norm) : values;
    }

    private static double[] Unit(int length, int index)
    {
        var unit = new double[length];
        unit[index] = 1;
        return unit;
    }

    private static double Dot(ReadOnlySpan<double> a, ReadOnlySpan<double> b)
    {
        double sum = 0;
        for (var i = 0; i < a.Length; i++) sum += a[i] * b[i];
        return sum;
    }
}

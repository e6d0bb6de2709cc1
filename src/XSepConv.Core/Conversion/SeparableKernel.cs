namespace XSepConv;

/// <summary>
/// The three small kernels of one channel whose composition is nearest to a K×K kernel, with the nonlinearities between them taken away:
/// 2×2 ∗ 1×K ∗ K×1, which covers (K+1)×(K+1), by alternating least squares.
/// </summary>
/// <param name="TwoByTwo">The 2×2, row by row.</param>
/// <param name="Error">Sum of squared differences over the sum of squares of the K×K kernel; 0 is exact.</param>
internal sealed record SeparableKernel(double[] TwoByTwo, double[] Row, double[] Column, double Error)
{
    private const int RankOneRounds = 10, Rounds = 60;

    /// <summary>Fits.</summary>
    /// <param name="kernel">K×K values, row by row.</param>
    /// <param name="padding">A one-sided padding: it says which tap of the 2×2 is on the output's own pixel.</param>
    public static SeparableKernel Fit(ReadOnlySpan<double> kernel, PaddingDirection padding)
    {
        var k = (int)Math.Sqrt(kernel.Length);
        var own = (padding.IsTop() ? 2 : 0) + (padding.IsLeft() ? 1 : 0);
        var target = new double[(k + 1) * (k + 1)];
        for (var i = 0; i < kernel.Length; i++) target[(((i / k) + (own / 2)) * (k + 1)) + (i % k) + (own % 2)] = kernel[i];

        var twoByTwo = Unit(4, own);
        var (row, column) = (Unit(k, k / 2), LargestColumn(kernel, k));
        var norm = Dot(target, target);
        if (norm == 0) return new(twoByTwo, row, Unit(k, k / 2), 0);

        // The composition is linear in each of the three, so that fixing two leaves a least-squares problem for the third. With the 2×2
        // left at its own pixel this finds the nearest kernel of rank one, from which the 2×2 joins in.
        for (var round = 0; round < RankOneRounds + Rounds; round++)
        {
            if (round >= RankOneRounds) twoByTwo = Solve(target, 4, unit => Compose(unit, row, column));
            row = Solve(target, k, unit => Compose(twoByTwo, unit, column));
            column = Normalised(Solve(target, k, unit => Compose(twoByTwo, row, unit)));
        }

        row = Solve(target, k, unit => Compose(twoByTwo, unit, column));
        var difference = Compose(twoByTwo, row, column);
        for (var i = 0; i < difference.Length; i++) difference[i] -= target[i];
        return new(Normalised(twoByTwo), Normalised(row), column, Dot(difference, difference) / norm);
    }

    /// <summary>What the three do together, (K+1)×(K+1) values.</summary>
    public static double[] Compose(ReadOnlySpan<double> twoByTwo, ReadOnlySpan<double> row, ReadOnlySpan<double> column)
    {
        var size = row.Length + 1;
        var result = new double[size * size];
        for (var p = 0; p < 4; p++)
        {
            if (twoByTwo[p] == 0) continue;
            for (var i = 0; i < column.Length; i++)
            {
                var factor = twoByTwo[p] * column[i];
                var start = ((i + (p / 2)) * size) + (p % 2);
                for (var j = 0; j < row.Length; j++) result[start + j] += factor * row[j];
            }
        }

        return result;
    }

    private static double[] Solve(double[] target, int unknowns, Func<double[], double[]> response)
    {
        var responses = Enumerable.Range(0, unknowns).Select(i => response(Unit(unknowns, i))).ToArray();
        var matrix = new double[unknowns, unknowns];
        var right = new double[unknowns];
        for (var i = 0; i < unknowns; i++)
        {
            right[i] = Dot(responses[i], target);
            for (var j = 0; j < unknowns; j++) matrix[i, j] = Dot(responses[i], responses[j]);
        }

        // Responses may depend on each other (a 2×2 over symmetric kernels); a trace of ridge picks one of the solutions.
        double trace = 0;
        for (var i = 0; i < unknowns; i++) trace += matrix[i, i];
        for (var i = 0; i < unknowns; i++) matrix[i, i] += 1e-12 * trace;
        return Cholesky(matrix, right, smallestPivot: 1e-13 * trace);
    }

    private static double[] Cholesky(double[,] matrix, double[] right, double smallestPivot)
    {
        var n = right.Length;
        for (var i = 0; i < n; i++)
        {
            for (var j = 0; j <= i; j++)
            {
                var sum = matrix[i, j];
                for (var m = 0; m < j; m++) sum -= matrix[i, m] * matrix[j, m];
                matrix[i, j] = i == j ? Math.Sqrt(Math.Max(sum, smallestPivot)) : sum / matrix[j, j];
            }
        }

        var solution = (double[])right.Clone();
        for (var i = 0; i < n; i++)
        {
            for (var m = 0; m < i; m++) solution[i] -= matrix[i, m] * solution[m];
            solution[i] /= matrix[i, i];
        }

        for (var i = n - 1; i >= 0; i--)
        {
            for (var m = i + 1; m < n; m++) solution[i] -= matrix[m, i] * solution[m];
            solution[i] /= matrix[i, i];
        }

        return solution;
    }

    private static double[] LargestColumn(ReadOnlySpan<double> kernel, int k)
    {
        var (best, bestNorm) = (new double[k], -1.0);
        for (var j = 0; j < k; j++)
        {
            var column = new double[k];
            for (var i = 0; i < k; i++) column[i] = kernel[(i * k) + j];
            if (Dot(column, column) is var norm && norm > bestNorm) (best, bestNorm) = (column, norm);
        }

        return best;
    }

    private static double[] Normalised(double[] values)
    {
        var norm = Math.Sqrt(Dot(values, values));
        return norm > 0 ? Array.ConvertAll(values, value => value / norm) : values;
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

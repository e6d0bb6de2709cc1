namespace XSepConv;

/// <summary>The padding plan of the layers that a conversion puts in.</summary>
internal static class ConversionPadding
{
    /// <summary>Each run of layers at one resolution is a stage of its own, so that its shifts cancel before the next.</summary>
    /// <param name="candidates">In order of execution. The 2×2 runs on the map that goes in, also where the stride is 2.</param>
    public static IReadOnlyList<PaddingDirection> Plan(IReadOnlyList<DepthwiseCandidate> candidates)
    {
        var counts = new List<int>();
        for (var i = 0; i < candidates.Count; i++)
        {
            if (i > 0 && candidates[i].Input.AsSpan(2).SequenceEqual(candidates[i - 1].Input.AsSpan(2))) counts[^1]++;
            else counts.Add(1);
        }

        return PaddingPlan.ForStages([.. counts]);
    }
}

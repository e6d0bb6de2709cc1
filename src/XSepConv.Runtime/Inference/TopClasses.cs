using System.Buffers;

namespace XSepConv.Inference;

/// <summary>From logits to the likeliest classes.</summary>
internal static class TopClasses
{
    // Beyond these, putting each in its place takes the square of their number.
    private const int MostInserted = 64;

    /// <summary>Fills <paramref name="top"/>; of equal logits the first class wins, and NaN counts as the lowest.</summary>
    public static void Find(ReadOnlySpan<float> logits, IReadOnlyList<string>? names, Span<Prediction> top)
    {
        if (top.Length <= MostInserted) Insert(logits, names, top);
        else Sort(logits, names, top);
        var highest = top[0].Probability;
        double sum = 0;
        foreach (var logit in logits) sum += Math.Exp(logit - (double)highest);
        foreach (ref var prediction in top)
        {
            prediction = prediction with { Probability = (float)(Math.Exp(prediction.Probability - (double)highest) / sum) };
        }
    }

    private static void Insert(ReadOnlySpan<float> logits, IReadOnlyList<string>? names, Span<Prediction> top)
    {
        var found = 0;
        for (var c = 0; c < logits.Length; c++)
        {
            var logit = logits[c];
            if (found == top.Length && !Beats(logit, top[^1].Probability)) continue;
            var place = found == top.Length ? found - 1 : found++;
            for (; place > 0 && Beats(logit, top[place - 1].Probability); place--) top[place] = top[place - 1];
            top[place] = new Prediction(c, names?[c], logit);
        }
    }

    private static void Sort(ReadOnlySpan<float> logits, IReadOnlyList<string>? names, Span<Prediction> top)
    {
        var rented = ArrayPool<(float Logit, int Class)>.Shared.Rent(logits.Length);
        var order = rented.AsSpan(0, logits.Length);
        for (var c = 0; c < logits.Length; c++) order[c] = (logits[c], c);
        order.Sort(static (one, other) => Beats(one.Logit, other.Logit) ? -1
            : Beats(other.Logit, one.Logit) ? 1 : one.Class.CompareTo(other.Class));
        for (var i = 0; i < top.Length; i++) top[i] = new Prediction(order[i].Class, names?[order[i].Class], order[i].Logit);
        ArrayPool<(float, int)>.Shared.Return(rented);
    }

    private static bool Beats(float logit, float other) => logit > other || (float.IsNaN(other) && !float.IsNaN(logit));
}

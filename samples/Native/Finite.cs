namespace XSepConv.Native;

/// <summary>Looks whether results are numbers. In C nobody sees a NaN go by.</summary>
internal static class Finite
{
    /// <param name="session">What has run.</param>
    /// <param name="logits">[images, outputs].</param>
    /// <param name="nchw">The images; empty where they were bytes.</param>
    /// <exception cref="CallException">One is not finite.</exception>
    public static void Require(Session session, ReadOnlySpan<float> logits, ReadOnlySpan<float> nchw)
    {
        var first = FirstOther(logits);
        if (first < 0) return;
        var image = first / session.Model.Spec.Outputs;
        var cause = "its values are far too large";
        if (!nchw.IsEmpty)
        {
            var pixels = nchw.Slice(image * session.ImageLength, session.ImageLength);
            var pixel = FirstOther(pixels);
            if (pixel >= 0) cause = $"its value {pixel} of {session.Shape()} is {pixels[pixel]}";
        }

        throw new CallException(
            Status.NotFinite, $"Image {image} has logits that are not finite numbers: {cause}. Those that are finite are right.");
    }

    /// <exception cref="CallException">A probability is no number.</exception>
    public static void Require(ReadOnlySpan<Prediction> predictions)
    {
        foreach (var prediction in predictions)
        {
            if (!float.IsFinite(prediction.Probability))
            {
                throw new CallException(
                    Status.NotFinite, "The network has logits that are not finite numbers: its weights are far too large.");
            }
        }
    }

    private static int FirstOther(ReadOnlySpan<float> values)
    {
        for (var i = 0; i < values.Length; i++)
        {
            if (!float.IsFinite(values[i])) return i;
        }

        return -1;
    }
}

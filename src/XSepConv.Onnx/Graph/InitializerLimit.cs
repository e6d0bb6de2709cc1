namespace XSepConv.Onnx;

/// <summary>How many bytes of weights one ONNX file holds: protobuf ends a message at 2 GiB.</summary>
internal static class InitializerLimit
{
    // What is left is for the nodes.
    private const long MostBytes = int.MaxValue - (64L << 20);

    /// <exception cref="NotSupportedException">There are more.</exception>
    public static void Require(long bytes)
    {
        if (bytes > MostBytes)
        {
            throw new NotSupportedException(
                FormattableString.Invariant($"The weights take {bytes:N0} bytes as float32; one ONNX file holds at most {MostBytes:N0}, ")
                + "as protobuf ends at 2 GiB. Export a smaller network, or keep this one as safetensors.");
        }
    }
}

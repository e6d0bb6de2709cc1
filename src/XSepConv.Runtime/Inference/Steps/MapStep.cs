namespace XSepConv.Inference;

/// <summary>One step of an image's way through the network.</summary>
/// <remarks>
/// Its items can be done in any order, by any threads, each with scratch of its own; neighbouring items are cheaper together. How they are
/// dealt out changes no result.
/// </remarks>
internal abstract unsafe class MapStep
{
    /// <summary>The state-dict keys of the layers in it, or what it does.</summary>
    public string Name { get; set; } = "";

    public long Macs { get; set; }

    public abstract int Items { get; }

    public abstract long ScratchFloats { get; }

    public abstract void Run(in ImageMaps maps, int first, int end, float* scratch);
}

/// <summary>A step on the features of all images at once.</summary>
internal abstract unsafe class FeatureStep
{
    public string Name { get; set; } = "";

    public long Macs { get; set; }

    public abstract int Items(int images);

    public abstract void Run(float* input, float* output, int images, int first, int end);
}

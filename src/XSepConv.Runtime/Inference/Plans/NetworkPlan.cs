using System.Collections.Immutable;

namespace XSepConv.Inference;

/// <summary>The steps for images of one size, and the memory they need.</summary>
/// <param name="Segments">
/// Each is run on one image after the other; within one, an image goes through all steps before the next image's turn.
/// </param>
/// <param name="Features">After the last segment, on all images at once.</param>
/// <param name="SlotFloats">Floats of each <see cref="Slot"/>.</param>
/// <param name="FeatureFloats">Floats of one image's row before and after each feature step.</param>
/// <param name="OutputFloats">Floats of each map of one image that the caller gets in place of logits.</param>
internal sealed record NetworkPlan(
    ImmutableArray<ImmutableArray<MapStep>> Segments, ImmutableArray<FeatureStep> Features, ImmutableArray<long> SlotFloats,
    ImmutableArray<long> FeatureFloats, ImmutableArray<long> OutputFloats, long ScratchFloats)
{
    /// <summary>Whether every thread has its own, rather than every image.</summary>
    public static bool IsLocal(Slot slot) =>
        slot is Slot.LocalA or Slot.LocalB or Slot.Middle or Slot.Padded or Slot.Pooled or Slot.Squeezed;
}

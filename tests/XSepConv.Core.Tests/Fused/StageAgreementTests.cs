using XSepConv.Core.Tests.Parity;

namespace XSepConv.Core.Tests.Fused;

/// <summary>The fused stages on tensors against the composed ones in float64: outputs, running statistics and every gradient within 2e-5.</summary>
public class StageAgreementTests
{
    public static TheoryData<int> Seeds => [.. Enumerable.Range(0, 60)];

    public static TheoryData<int, int, Activation> Grid
    {
        get
        {
            var cases = new TheoryData<int, int, Activation>();
            foreach (var kernel in new[] { 1, 3, 5, 7, 9, 11 })
            {
                foreach (var stride in new[] { 1, 2 })
                {
                    foreach (var activation in Enum.GetValues<Activation>()) cases.Add(kernel, stride, activation);
                }
            }

            return cases;
        }
    }

    [Theory]
    [MemberData(nameof(Grid))]
    public void XSepConv_with_every_padding_and_placement(int kernel, int stride, Activation activation)
    {
        using var threads = new OneThread();
        foreach (var padding in Enum.GetValues<PaddingDirection>())
        {
            foreach (var padded in new[] { false, true })
            {
                var stage = new StageCase(3, 6, 7, 10, kernel, stride, activation, padding) { Padded = padded, Activated = padded, Layout = MapLayout.Offset };
                StageTwins.Compare(stage, kernel, training: true);
                StageTwins.Compare(stage, kernel, training: false);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Grid))]
    public void Depthwise_with_and_without_a_nonlinearity_in_every_layout(int kernel, int stride, Activation activation)
    {
        using var threads = new OneThread();
        foreach (var layout in Enum.GetValues<MapLayout>())
        {
            foreach (var activated in new[] { false, true })
            {
                var stage = new StageCase(3, 6, 7, 10, kernel, stride, activation, null) { Activated = activated, Layout = layout };
                StageTwins.Compare(stage, kernel, training: true);
                StageTwins.Compare(stage, kernel, training: false);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void XSepConv_on_random_shapes(int seed)
    {
        using var threads = new OneThread();
        StageTwins.Compare(StageCase.Draw(seed, xsep: true), seed, training: true);
        StageTwins.Compare(StageCase.Draw(1000 + seed, xsep: true), seed, training: false);
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Depthwise_on_random_shapes(int seed)
    {
        using var threads = new OneThread();
        StageTwins.Compare(StageCase.Draw(seed, xsep: false), seed, training: true);
        StageTwins.Compare(StageCase.Draw(1000 + seed, xsep: false), seed, training: false);
    }
}
